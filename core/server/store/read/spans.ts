import { ENTRY_SIZE_BYTES, entryCommitLogOffset, entrySizeBytes } from '../consumequeue/consume-queue-entry.js';

const SPAN_SIZE_BYTES_MAX = 1024 * 1024;

/** A stretch of the commit log that is read in one go, with the records wanted from it. */
export interface Span {
  readonly commitLogOffset: number;
  sizeBytes: number;
  readonly parts: { readonly at: number; readonly sizeBytes: number }[];
}

/** Joins records that lie close together, so that a batch takes few reads. */
export function spansOf(entries: Buffer, chosen: readonly number[], gapBytesMax: number): Span[] {
  const spans: Span[] = [];
  let span: Span | undefined;
  for (const number of chosen) {
    const position = number * ENTRY_SIZE_BYTES;
    const commitLogOffset = entryCommitLogOffset(entries, position);
    const sizeBytes = entrySizeBytes(entries, position);
    const at = span === undefined ? -1 : commitLogOffset - span.commitLogOffset;
    if (span !== undefined && at >= span.sizeBytes) {
      const isNear = at - span.sizeBytes <= gapBytesMax && at + sizeBytes <= SPAN_SIZE_BYTES_MAX;
      if (isNear) {
        span.parts.push({ at, sizeBytes });
        span.sizeBytes = at + sizeBytes;
        continue;
      }
    }
    span = { commitLogOffset, sizeBytes, parts: [{ at: 0, sizeBytes }] };
    spans.push(span);
  }
  return spans;
}
