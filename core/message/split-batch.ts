import { type BatchItem, batchItemSize } from './batch-body.js';

/** 4.9 brokers add properties of their own to each message of a batch, and do not look at the limit of 32,767 bytes. */
const PROPERTIES_BYTES_MAX_IN_BATCH = 31_000;

/** Items that follow one another and go out together. */
export interface BatchRun {
  readonly start: number;
  /** Behind the last. */
  readonly end: number;
  /** One item for which a batch has no room: its message goes by itself. */
  readonly alone: boolean;
}

/** Cuts items into batches of at most so many bytes, each as long as can be; every item is in exactly one, in order. */
export function splitIntoBatches(items: readonly BatchItem[], sizeBytesMax: number): BatchRun[] {
  const runs: BatchRun[] = [];
  let start = 0;
  let sizeBytes = 0;
  const close = (end: number): void => {
    if (end > start) runs.push({ start, end, alone: false });
    start = end;
    sizeBytes = 0;
  };
  for (const [index, item] of items.entries()) {
    if (!fitsInBatch(item, sizeBytesMax)) {
      close(index);
      start = index + 1;
      runs.push({ start: index, end: start, alone: true });
      continue;
    }
    const itemSize = batchItemSize(item);
    if (sizeBytes + itemSize > sizeBytesMax) close(index);
    sizeBytes += itemSize;
  }
  close(items.length);
  return runs;
}

/** Whether a batch of at most so many bytes has room for the item at all. */
export function fitsInBatch(item: BatchItem, sizeBytesMax: number): boolean {
  return batchItemSize(item) <= sizeBytesMax && item.properties.length <= PROPERTIES_BYTES_MAX_IN_BATCH;
}
