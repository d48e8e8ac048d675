import type { GetOptions, GetResult } from '../message-store.js';
import { HOT_MESSAGES_MAX, HOT_SIZE_BYTES_MAX } from './choose-entries.js';

/** Messages looked at in one call where a filter may pass over all of them (Apache: 16,000 bytes of queue). */
const SCANNED_MAX = 800;

type Get = (offset: number, options: GetOptions) => GetResult | Promise<GetResult>;

/**
 * Reads on until enough records match. What was read and did not match is dealt with: the next read begins behind it.
 * At once as long as `get` answers at once.
 */
export function readMatching(
  get: Get,
  offset: number,
  options: GetOptions & Required<Pick<GetOptions, 'matchesRecord'>>,
): GetResult | Promise<GetResult> {
  const { matchesRecord, ...plain } = options;
  const messagesMax = Math.max(1, Math.min(options.messagesMax, HOT_MESSAGES_MAX));
  const sizeBytesMax = Math.min(options.sizeBytesMax ?? HOT_SIZE_BYTES_MAX, HOT_SIZE_BYTES_MAX);
  const records: Buffer[] = [];
  let sizeBytes = 0;
  let result: GetResult | undefined;

  /** Whether there is reason to read on. */
  const take = (found: GetResult): boolean => {
    if (found.status !== 'FOUND' && result !== undefined) return false;
    result = found;
    for (const record of found.records) {
      if (!matchesRecord(record)) continue;
      records.push(record);
      sizeBytes += record.length;
    }
    const { status, nextBeginOffset, maxOffset } = found;
    const isFull = records.length >= messagesMax || sizeBytes >= sizeBytesMax;
    return status === 'FOUND' && !isFull && nextBeginOffset < maxOffset && nextBeginOffset - offset < SCANNED_MAX;
  };
  const readOn = (): GetResult | Promise<GetResult> => {
    for (;;) {
      const left = { messagesMax: messagesMax - records.length, sizeBytesMax: sizeBytesMax - sizeBytes };
      const found = get(result?.nextBeginOffset ?? offset, { ...plain, ...left });
      if ('then' in found) return found.then((later) => (take(later) ? readOn() : whole(later)));
      if (!take(found)) return whole(found);
    }
  };
  const whole = (last: GetResult): GetResult => {
    const { status, nextBeginOffset, ...range } = result ?? last;
    if (status !== 'FOUND') return { ...range, status, nextBeginOffset, records };
    return { ...range, status: records.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE', nextBeginOffset, records };
  };
  return readOn();
}
