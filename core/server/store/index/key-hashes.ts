import { KEY_SEPARATOR, PropertyName } from '../../../message/property-names.js';
import { javaStringHash } from '../../../message/tag-hash.js';
import { indexKeyHashOf } from './index-layout.js';
import { keyHashesOf, placesIn, type RecordPlaces, readIndexedRecord } from './indexed-record.js';

const ENTRY_END = 2;
const SEPARATOR = KEY_SEPARATOR.charCodeAt(0);
const ASCII_END = 0x80;
const UNIQ_KEY = Buffer.from(`${PropertyName.UNIQ_KEY}\u0001`);
const KEYS = Buffer.from(`${PropertyName.KEYS}\u0001`);

/**
 * Finds what a record is found by, straight in its bytes: every stored message passes here, and neither its properties nor
 * its keys have to become text. Where they are not ASCII it is done the long way ({@link readIndexedRecord}).
 */
export class KeyHashes {
  /** Of the record that was read last, in their order. */
  readonly hashes: number[] = [];
  storeTimestamp = 0;
  #source: Buffer = Buffer.alloc(0);
  #topic = Buffer.alloc(0);
  /** Hash of the topic and what comes between it and a key. */
  #topicHash = 0;
  #isAscii = true;

  /** False when the record's lengths do not add up. */
  read(source: Buffer, position: number): boolean {
    this.hashes.length = 0;
    const places = placesIn(source, position);
    if (places === undefined) return false;
    this.storeTimestamp = places.storeTimestamp;
    if (places.isRolledBack) return true;
    this.#source = source;
    this.#isAscii = true;
    this.#readTopic(places);
    if (this.#isAscii) this.#readKeys(places.propertiesAt, places.end);
    if (this.#isAscii) return true;
    this.hashes.length = 0;
    this.hashes.push(...keyHashesOf(readIndexedRecord(source, position)!));
    return true;
  }

  /** Nearly always it is the topic of the record before. */
  #readTopic({ topicAt, topicEnd }: RecordPlaces): void {
    const topic = this.#topic;
    if (topic.length === topicEnd - topicAt && isAt(topic, this.#source, topicAt)) return;
    const bytes = Buffer.from(this.#source.subarray(topicAt, topicEnd));
    if (bytes.some((byte) => byte >= ASCII_END)) {
      this.#isAscii = false;
      return;
    }
    this.#topic = bytes;
    this.#topicHash = javaStringHash(`${bytes.toString('latin1')}#`);
  }

  /** Of a name that comes twice the last value counts that is not empty. */
  #readKeys(from: number, end: number): void {
    const source = this.#source;
    let uniqueAt = -1;
    let uniqueEnd = -1;
    let keysAt = -1;
    let keysEnd = -1;
    for (let at = from; at < end; ) {
      let entryEnd = at;
      while (entryEnd < end && source[entryEnd] !== ENTRY_END) entryEnd++;
      if (isEntryOf(UNIQ_KEY, source, at, entryEnd)) {
        uniqueAt = at + UNIQ_KEY.length;
        uniqueEnd = entryEnd;
      } else if (isEntryOf(KEYS, source, at, entryEnd)) {
        keysAt = at + KEYS.length;
        keysEnd = entryEnd;
      }
      at = entryEnd + 1;
    }
    if (uniqueAt >= 0) this.#add(uniqueAt, uniqueEnd);
    for (let at = keysAt; at >= 0 && at < keysEnd; ) {
      let keyEnd = at;
      while (keyEnd < keysEnd && source[keyEnd] !== SEPARATOR) keyEnd++;
      if (keyEnd > at) this.#add(at, keyEnd);
      at = keyEnd + 1;
    }
  }

  #add(from: number, end: number): void {
    const source = this.#source;
    let hash = this.#topicHash;
    for (let at = from; at < end; at++) {
      const byte = source[at]!;
      if (byte >= ASCII_END) this.#isAscii = false;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    this.hashes.push(indexKeyHashOf(hash));
  }
}

/** Whether the entry has this name and a value. */
function isEntryOf(name: Uint8Array, source: Buffer, from: number, end: number): boolean {
  return end - from > name.length && isAt(name, source, from);
}

function isAt(bytes: Uint8Array, source: Buffer, position: number): boolean {
  for (let index = 0; index < bytes.length; index++) if (source[position + index] !== bytes[index]) return false;
  return true;
}
