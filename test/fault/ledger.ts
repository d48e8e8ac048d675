/** What a history knows about one message that it gave to the store. */
export interface Sent {
  readonly id: number;
  readonly queueId: number;
  readonly body: string;
  readonly flushDiskType: 'ASYNC_FLUSH' | 'SYNC_FLUSH';
  readonly waitStored: boolean;
  /** How it was answered; undefined while it is not. */
  status: string | undefined;
  queueOffset: number;
  commitLogOffset: number;
  /** Has to survive a power failure: it was promised, or somebody may have seen it. */
  isSafe: boolean;
}

/** A message as it is read back. */
export interface Found {
  readonly id: number;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly commitLogOffset: number;
  readonly body: string;
}

/** How the life of a store ended. */
export type End = 'close' | 'kill' | 'power';

/** A broken promise. */
export class Violation extends Error {}

/**
 * What was acknowledged, and what that promises:
 *
 * - synchronous flush, waited for: it is there after a power failure. So is what could be read under it.
 * - asynchronous flush, and `waitStored: false`: it is there after a kill; after a power failure where a sync covered it.
 * - always: what is there was sent, lies in the order of sending with nothing answered missing in between, has the
 *   places that were answered, and what was once gone stays gone.
 */
export class Ledger {
  #sent: Sent[] = [];
  #nextId = 0;
  /** What lies in front of it was removed for its age or for want of room; it may come back after a power failure. */
  #removedBefore = 0;
  #config: string | undefined;
  /** Texts that may have replaced it. */
  #pendingConfigs: string[] = [];

  take(parts: Pick<Sent, 'queueId' | 'flushDiskType' | 'waitStored'>, lengthMin: number): Sent {
    const id = this.#nextId++;
    const body = `${id} `.padEnd(lengthMin, String.fromCharCode(97 + (id % 26)));
    const sent: Sent = { ...parts, id, body, status: undefined, queueOffset: -1, commitLogOffset: -1, isSafe: false };
    this.#sent.push(sent);
    return sent;
  }

  /** The store's callback; an answer that nobody could see any more does not count. */
  answered(sent: Sent, result: Pick<Sent, 'queueOffset' | 'commitLogOffset'> & { readonly status: string }): void {
    require(sent.status === undefined, `message ${sent.id} was answered twice`);
    sent.status = result.status;
    sent.queueOffset = result.queueOffset;
    sent.commitLogOffset = result.commitLogOffset;
    if (result.status === 'PUT_OK' && sent.flushDiskType === 'SYNC_FLUSH' && sent.waitStored) sent.isSafe = true;
  }

  /** Everything whose record ends in front of this place is on the disk. */
  synced(offset: number, recordEnd: (sent: Sent) => number): void {
    for (const sent of this.#sent) {
      if (isStored(sent) && recordEnd(sent) <= offset) sent.isSafe = true;
    }
  }

  /** The log begins here now: what was in front of it is owed no longer. */
  removed(commitLogStart: number): void {
    this.#removedBefore = Math.max(this.#removedBefore, commitLogStart);
  }

  /** Checks what a store gives back while it lives. */
  read(found: readonly Found[], flushDiskType: Sent['flushDiskType']): void {
    const byId = this.#known(found);
    for (const sent of this.#sent) {
      const isOwed = !this.#isRemoved(sent) && (sent.isSafe || (flushDiskType === 'ASYNC_FLUSH' && isStored(sent)));
      require(!isOwed || byId.has(sent.id), `message ${sent.id} (${sent.status}) cannot be read`);
      if (byId.has(sent.id) && flushDiskType === 'SYNC_FLUSH') sent.isSafe = true;
    }
    this.#inOrder(found);
  }

  /** Checks what the next store finds, and goes on from there. */
  reopened(found: readonly Found[], end: End): void {
    const byId = this.#known(found);
    for (const sent of this.#sent) {
      const isOwed = !this.#isRemoved(sent) && (sent.isSafe || (end !== 'power' && isStored(sent)));
      require(!isOwed || byId.has(sent.id), `message ${sent.id} (${sent.status}) is lost after ${end}`);
    }
    this.#inOrder(found);
    this.#sent = this.#sent.filter((sent) => byId.has(sent.id) || this.#isRemoved(sent));
    for (const sent of this.#sent) {
      if (!byId.has(sent.id)) continue;
      const { queueOffset, commitLogOffset } = byId.get(sent.id)!;
      Object.assign(sent, { status: 'PUT_OK', queueOffset, commitLogOffset, isSafe: true });
    }
  }

  configBegun(text: string): void {
    this.#pendingConfigs.push(text);
  }

  configWritten(text: string): void {
    const at = this.#pendingConfigs.indexOf(text);
    this.#config = text;
    this.#pendingConfigs.splice(0, at + 1);
  }

  configFound(text: string | undefined): void {
    const possible = [this.#config, ...this.#pendingConfigs];
    require(possible.includes(text), `the configuration is ${text}, not one of ${possible.join(', ')}`);
    this.#config = text;
    this.#pendingConfigs = [];
  }

  /** Every message is one that was sent and not lost before, with what it was sent with, at the place it was told. */
  #known(found: readonly Found[]): Map<number, Found> {
    const sentById = new Map(this.#sent.map((sent) => [sent.id, sent]));
    const byId = new Map<number, Found>();
    for (const one of found) {
      const sent = sentById.get(one.id);
      require(sent !== undefined, `message ${one.id} was never sent, or was gone before`);
      require(!byId.has(one.id), `message ${one.id} is there twice`);
      require(one.body === sent.body && one.queueId === sent.queueId, `message ${one.id} is not as it was sent`);
      if (isStored(sent)) {
        const isInPlace = one.queueOffset === sent.queueOffset && one.commitLogOffset === sent.commitLogOffset;
        require(isInPlace, `message ${one.id} is at ${one.queueOffset}, not at ${sent.queueOffset}`);
      }
      byId.set(one.id, one);
    }
    return byId;
  }

  #isRemoved({ commitLogOffset }: Sent): boolean {
    return commitLogOffset >= 0 && commitLogOffset < this.#removedBefore;
  }

  /** A prefix of what was stored: in the order of sending, and nothing stored is missing in front of what is there. */
  #inOrder(found: readonly Found[]): void {
    const inLog = [...found].sort((one, other) => one.commitLogOffset - other.commitLogOffset);
    for (const [index, one] of inLog.entries()) {
      require(index === 0 || inLog[index - 1]!.id < one.id, `message ${one.id} is out of order in the log`);
    }
    const last = inLog.at(-1)?.id ?? -1;
    const ids = new Set(found.map(({ id }) => id));
    for (const sent of this.#sent) {
      const mayBeMissing = sent.id > last || !isStored(sent) || this.#isRemoved(sent);
      require(mayBeMissing || ids.has(sent.id), `message ${sent.id} is missing before ${last}`);
    }
  }
}

function isStored({ status }: Sent): boolean {
  return status === 'PUT_OK' || status === 'FLUSH_DISK_TIMEOUT';
}

function require(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Violation(words);
}
