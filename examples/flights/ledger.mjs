import { createHash } from 'node:crypto';

/**
 * What one side saw of one run: the set of keys, and per tag a checksum that does not depend on the order (the sum of
 * the first 6 bytes of each message's SHA-256, modulo 2^48). A key that comes again counts as a duplicate and nothing
 * else; a message of another run (one that was killed before) counts as a leftover.
 */
export class Ledger {
  constructor(run) {
    this.run = run;
    this.keys = new Set();
    this.checksums = new Map();
    this.duplicates = 0;
    this.leftovers = 0;
  }

  /** Returns whether the message was new. */
  add({ run, key, tag, body }) {
    if (run !== this.run) {
      this.leftovers += 1;
      return false;
    }
    if (this.keys.has(key)) {
      this.duplicates += 1;
      return false;
    }
    this.keys.add(key);
    const sum = (this.checksums.get(tag) ?? 0) + digest(key, body);
    this.checksums.set(tag, sum % 2 ** 48);
    return true;
  }

  get size() {
    return this.keys.size;
  }
}

/** Holds what was received against what was sent. `wants` tells by tag what a subscription should have got. */
export function compare(sent, received, wants = () => true) {
  const wantedTags = [...sent.checksums.keys()].filter(wants);
  const missing = [];
  for (const [key, tag] of sent.tagOfKey) if (wants(tag) && !received.keys.has(key)) missing.push(key);
  const unexpected = [...received.keys].filter((key) => !sent.tagOfKey.has(key) || !wants(sent.tagOfKey.get(key)));
  const wrongChecksums = wantedTags.filter((tag) => sent.checksums.get(tag) !== received.checksums.get(tag));
  return {
    missing,
    unexpected,
    wrongChecksums,
    complete: missing.length + unexpected.length + wrongChecksums.length === 0,
  };
}

/** The sender's ledger also knows the tag of each key. */
export class SentLedger extends Ledger {
  constructor(run) {
    super(run);
    this.tagOfKey = new Map();
  }

  add(entry) {
    this.tagOfKey.set(entry.key, entry.tag);
    return super.add(entry);
  }
}

function digest(key, body) {
  return createHash('sha256').update(key).update('\0').update(body).digest().readUIntBE(0, 6);
}
