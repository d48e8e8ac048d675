import type { IndexKeys } from './index-keys.js';
import { ENTRY_SIZE_BYTES, type IndexShape, timeDiffOf, writeIndexEntry } from './index-layout.js';

const PREVIOUS_AT = 16;
/** Keys linked at one time: what is sorted is the slot's number times this, plus the key's. */
export const LINKED_KEYS_MAX = 65_536;

/** Keys as the entries that they become, and the slots that have to point to them. */
export interface LinkedKeys {
  /** Number of the first entry. */
  readonly base: number;
  readonly count: number;
  readonly entries: Buffer;
  /** In rising order, each once. */
  readonly slots: Int32Array;
  /** Number of the newest entry of each slot. */
  readonly newest: Int32Array;
  /** Where in {@link entries} each slot's first entry says what came before it: for whoever knows what the slot held. */
  readonly linkPositions: Int32Array;
  readonly firstTimestamp: number;
  readonly firstOffset: number;
  readonly lastTimestamp: number;
  readonly lastOffset: number;
}

/** Keys that are sorted and linked before the event loop gets a turn: less than a millisecond's work. */
const KEYS_PER_TURN = 4_096;

/**
 * Makes entries of the first `count` keys, chained among themselves; those chains still hang from nothing. Calls `turn`
 * between portions of the work, and goes on when it resolves: meanwhile the keys have to stay as they are.
 */
export async function linkKeys(
  keys: IndexKeys,
  count: number,
  shape: IndexShape,
  file: { readonly base: number; readonly beginTimestamp: number },
  turn: () => Promise<void>,
): Promise<LinkedKeys> {
  const entries = Buffer.alloc(count * ENTRY_SIZE_BYTES);
  const slots = new Int32Array(count);
  const newest = new Int32Array(count);
  const linkPositions = new Int32Array(count);
  let slotCount = 0;
  const link = (placed: number): void => {
    const slot = Math.floor(placed / LINKED_KEYS_MAX);
    const index = placed % LINKED_KEYS_MAX;
    const isChained = slotCount > 0 && slots[slotCount - 1] === slot;
    writeIndexEntry(entries, index * ENTRY_SIZE_BYTES, {
      keyHash: keys.hash(index),
      commitLogOffset: keys.commitLogOffset(index),
      timeDiff: timeDiffOf(keys.storeTimestamp(index), file.beginTimestamp),
      previous: isChained ? newest[slotCount - 1]! : 0,
    });
    if (!isChained) {
      slots[slotCount] = slot;
      linkPositions[slotCount] = index * ENTRY_SIZE_BYTES + PREVIOUS_AT;
      slotCount++;
    }
    newest[slotCount - 1] = file.base + index;
  };
  for (const portion of portionsBySlot(keys, count, shape.slots)) {
    await turn();
    for (const placed of portion.sort()) link(placed);
  }
  return {
    base: file.base,
    count,
    entries,
    slots: slots.subarray(0, slotCount),
    newest: newest.subarray(0, slotCount),
    linkPositions: linkPositions.subarray(0, slotCount),
    firstTimestamp: keys.storeTimestamp(0),
    firstOffset: keys.commitLogOffset(0),
    lastTimestamp: keys.storeTimestamp(count - 1),
    lastOffset: keys.commitLogOffset(count - 1),
  };
}

/** Slot and number of each key in one number, in portions that follow one another by slot, in no order inside. */
function portionsBySlot(keys: IndexKeys, count: number, slots: number): readonly Float64Array[] {
  const portions = Math.ceil(count / KEYS_PER_TURN);
  const portionOf = (index: number): number => Math.floor(((keys.hash(index) % slots) / slots) * portions);
  const ends = new Int32Array(portions);
  for (let index = 0; index < count; index++) ends[portionOf(index)]!++;
  for (let portion = 1; portion < portions; portion++) ends[portion]! += ends[portion - 1]!;
  const starts = Int32Array.from(ends, (_end, portion) => (portion === 0 ? 0 : ends[portion - 1]!));
  const placed = new Float64Array(count);
  const next = starts.slice();
  for (let index = 0; index < count; index++) {
    placed[next[portionOf(index)]!++] = (keys.hash(index) % slots) * LINKED_KEYS_MAX + index;
  }
  return Array.from(ends, (end, portion) => placed.subarray(starts[portion]!, end));
}

/** Slots that lie close together and are read and written in one go. */
export interface SlotSpan {
  /** Numbers, in the rising list, of the first slot and of the one behind the last. */
  readonly from: number;
  readonly to: number;
}

const GAP_SLOTS_MAX = 1024;
/** Slots of a span at most. */
export const SPAN_SLOTS_MAX = 16_384;

export function* slotSpans(slots: Int32Array): IterableIterator<SlotSpan> {
  for (let from = 0; from < slots.length; ) {
    const first = slots[from]!;
    let to = from + 1;
    while (to < slots.length && slots[to]! - slots[to - 1]! <= GAP_SLOTS_MAX && slots[to]! - first < SPAN_SLOTS_MAX)
      to++;
    yield { from, to };
    from = to;
  }
}
