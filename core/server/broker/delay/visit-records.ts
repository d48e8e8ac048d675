import type { MessageStore, RecordVisit } from '../message-store.js';

/**
 * Shows the records at offsets of a queue to `visit`, in their order; what is not there any more is left out. Offsets that
 * follow one another are read together, and no promise is waited for where the store answers at once.
 */
export async function visitRecords(
  store: Pick<MessageStore, 'visit'>,
  { topic, queueId }: { readonly topic: string; readonly queueId: number },
  offsets: readonly number[],
  visit: RecordVisit,
): Promise<void> {
  for (let index = 0; index < offsets.length; ) {
    const count = runLength(offsets, index);
    const visiting = store.visit(topic, queueId, offsets[index]!, count, visit);
    if (visiting !== undefined) await visiting;
    index += count;
  }
}

function runLength(offsets: readonly number[], from: number): number {
  let length = 1;
  while (offsets[from + length] === offsets[from]! + length) length++;
  return length;
}
