import { setImmediate } from '../../../runtime/event-loop.js';
import type { OpenFiles } from '../files/open-files.js';
import type { StoreFile } from '../files/store-files.js';
import { writeAll } from '../files/whole-file.js';
import type { IndexKeys } from './index-keys.js';
import {
  EMPTY_HEADER,
  ENTRY_SIZE_BYTES,
  encodeIndexHeader,
  entryPosition,
  type IndexEntry,
  type IndexHeader,
  type IndexShape,
  readIndexEntry,
  SLOT_SIZE_BYTES,
  slotPosition,
} from './index-layout.js';
import { LINKED_KEYS_MAX, type LinkedKeys, linkKeys, SPAN_SLOTS_MAX, slotSpans } from './linked-keys.js';

/** Bytes of slots that are looked at before the event loop gets a turn. */
const TURN_SIZE_BYTES = 128 * 1024;
/** Of entries, which lie behind one another. */
const ENTRIES_TURN_SIZE_BYTES = 512 * 1024;
/** What a span costs besides its bytes, in bytes. */
const SPAN_COST_BYTES = 4096;
/** Entries read together while following a chain: those of a key that many messages have lie close to one another. */
const BLOCK_ENTRIES = 256;
const SECOND_MS = 1000;

/** Told the commit-log offset of an entry; false ends the search. */
export type IndexVisitor = (commitLogOffset: number) => Promise<boolean>;

/** One file of the index: a hash table from keys to places in the commit log. */
export class IndexFile {
  readonly name: string;
  readonly path: string;
  readonly #shape: IndexShape;
  readonly #open: OpenFiles;
  #header: IndexHeader;

  constructor(directory: string, name: string, shape: IndexShape, open: OpenFiles, header: IndexHeader = EMPTY_HEADER) {
    this.name = name;
    this.path = `${directory}/${name}`;
    this.#shape = shape;
    this.#open = open;
    this.#header = header;
  }

  get header(): IndexHeader {
    return this.#header;
  }

  get roomEntries(): number {
    return this.#shape.entriesMax - this.#header.count;
  }

  /** Takes over what was found out about the file. */
  restored(header: IndexHeader): void {
    this.#header = header;
  }

  /** Makes entries of the first keys, as many as fit; nothing is written yet. Reads what they are chained to. */
  async link(keys: IndexKeys): Promise<LinkedKeys> {
    const { count: base, beginTimestamp } = this.#header;
    const count = Math.min(keys.count, this.roomEntries, LINKED_KEYS_MAX);
    const begin = base === 1 ? keys.storeTimestamp(0) : beginTimestamp;
    const linked = await linkKeys(keys, count, this.#shape, { base, beginTimestamp: begin }, nextTurn);
    await this.#eachSpan(linked, (slots, first, { from, to }) => {
      for (let index = from; index < to; index++) {
        const held = slots.readInt32BE((linked.slots[index]! - first) * SLOT_SIZE_BYTES);
        // As Apache reads it: what points beyond the entries points nowhere.
        const previous = held > 0 && held < base ? held : 0;
        linked.entries.writeInt32BE(previous, linked.linkPositions[index]!);
      }
    });
    return linked;
  }

  /**
   * Writes linked keys: entries, then slots, then the header, so that a chain never leads to what is not there. May be
   * called again with the same keys after it failed.
   */
  async write(linked: LinkedKeys): Promise<void> {
    const { entries, base } = linked;
    await this.#open.use(this.path, async (file) => {
      for (let at = 0; at < entries.length; at += ENTRIES_TURN_SIZE_BYTES) {
        writeAll(file, entries.subarray(at, at + ENTRIES_TURN_SIZE_BYTES), entryPosition(this.#shape, base) + at);
        await nextTurn();
      }
    });
    await this.#eachSpan(linked, (slots, first, { from, to }, file) => {
      for (let index = from; index < to; index++) {
        slots.writeInt32BE(linked.newest[index]!, (linked.slots[index]! - first) * SLOT_SIZE_BYTES);
      }
      writeAll(file, slots, slotPosition(first));
    });
    const header = this.#headerWith(linked);
    await this.#open.use(this.path, async (file) => writeAll(file, encodeIndexHeader(header), 0));
    this.#header = header;
  }

  /** Puts what was written on the disk. */
  sync(): Promise<void> {
    return this.#open.use(this.path, (file) => file.sync());
  }

  /**
   * Follows the chain of a hash from its newest entry back, as far as messages can lie in the time asked for. The index knows
   * times to the second, and other keys can have the same hash: whoever is told has to look at the message. False when the
   * visitor had enough.
   */
  find(
    keyHash: number,
    range: { readonly begin: number; readonly end: number },
    visit: IndexVisitor,
  ): Promise<boolean> {
    const { beginTimestamp } = this.#header;
    return this.#open.use(this.path, async (file) => {
      const entries = new EntryReader(file, this.#shape);
      const slot = Buffer.alloc(SLOT_SIZE_BYTES);
      await file.read(slot, slotPosition(keyHash % this.#shape.slots));
      // Chains lead back: one that does not is damaged, and ends.
      let before = this.#shape.entriesMax;
      for (let number = slot.readInt32BE(0); number > 0 && number < before; ) {
        const entry = await entries.read(number);
        // Apache tells the first entry of a file its distance from the file before.
        const time = number === 1 ? beginTimestamp : beginTimestamp + entry.timeDiff * SECOND_MS;
        if (entry.timeDiff < 0 || time + SECOND_MS <= range.begin) return true;
        if (entry.keyHash === keyHash && time <= range.end && !(await visit(entry.commitLogOffset))) return false;
        before = number;
        number = entry.previous;
      }
      return true;
    });
  }

  /** How many of the last entries are of the message at this offset. */
  async countLastOf(commitLogOffset: number): Promise<number> {
    return this.#open.use(this.path, async (file) => {
      const entries = new EntryReader(file, this.#shape);
      let number = this.#header.count - 1;
      while (number > 0 && (await entries.read(number)).commitLogOffset === commitLogOffset) number--;
      return this.#header.count - 1 - number;
    });
  }

  #headerWith(linked: LinkedKeys): IndexHeader {
    const { beginTimestamp, beginOffset, slotsUsed, count } = this.#header;
    const isFirst = count === 1;
    let newSlots = 0;
    for (const position of linked.linkPositions) if (linked.entries.readInt32BE(position) === 0) newSlots++;
    return {
      beginTimestamp: isFirst ? linked.firstTimestamp : beginTimestamp,
      beginOffset: isFirst ? linked.firstOffset : beginOffset,
      endTimestamp: linked.lastTimestamp,
      endOffset: linked.lastOffset,
      slotsUsed: slotsUsed + newSlots,
      count: linked.base + linked.count,
    };
  }

  /** Reads every stretch of slots that is concerned, with turns for the event loop in between. */
  #eachSpan(
    { slots }: LinkedKeys,
    look: (bytes: Buffer, firstSlot: number, span: { from: number; to: number }, file: StoreFile) => void,
  ): Promise<void> {
    return this.#open.use(this.path, async (file) => {
      // One for all spans: thousands of new ones would have the collector go through the whole heap.
      const room = Buffer.allocUnsafeSlow(SPAN_SLOTS_MAX * SLOT_SIZE_BYTES);
      let looked = 0;
      for (const span of slotSpans(slots)) {
        const first = slots[span.from]!;
        const bytes = room.subarray(0, (slots[span.to - 1]! - first + 1) * SLOT_SIZE_BYTES);
        file.readSync(bytes, slotPosition(first));
        look(bytes, first, span, file);
        looked += bytes.byteLength + SPAN_COST_BYTES;
        if (looked < TURN_SIZE_BYTES) continue;
        looked = 0;
        await nextTurn();
      }
    });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Reads single entries by way of blocks of them. */
class EntryReader {
  readonly #file: StoreFile;
  readonly #shape: IndexShape;
  readonly #block = Buffer.alloc(BLOCK_ENTRIES * ENTRY_SIZE_BYTES);
  #blockStart = -1;

  constructor(file: StoreFile, shape: IndexShape) {
    this.#file = file;
    this.#shape = shape;
  }

  async read(number: number): Promise<IndexEntry> {
    const start = number - (number % BLOCK_ENTRIES);
    if (start !== this.#blockStart) {
      await this.#file.read(this.#block, entryPosition(this.#shape, start));
      this.#blockStart = start;
    }
    return readIndexEntry(this.#block, (number - start) * ENTRY_SIZE_BYTES);
  }
}
