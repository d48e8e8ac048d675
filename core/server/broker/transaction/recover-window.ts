import { readRecord } from '../../../message/message-record.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import type { MessageStore } from '../message-store.js';
import { destinationOf, endedOffsets, type HalfMessage, halfMessageOf } from './half-message.js';
import { recordsOf } from './queue-records.js';
import { DISCARD_TOPIC, HALF_TOPIC, OP_TOPIC, TRANSACTION_QUEUE_ID } from './transaction-topics.js';
import { TransactionWindow } from './transaction-window.js';

/** How far the half topic and the op topic were done when that was last saved; undefined when it never was. */
export interface KeptOffsets {
  readonly half: number | undefined;
  readonly op: number | undefined;
}

export interface RecoveredWindow {
  readonly window: TransactionWindow;
  /** Open by the records of ends, and yet their message was delivered or discarded: a crash came between the two. */
  readonly delivered: readonly HalfMessage[];
}

/**
 * Finds out from the store which transactions are open: from the kept offsets on, half messages without a record of their
 * end, of several copies the newest.
 */
export async function recoverWindow(store: MessageStore, kept: KeptOffsets): Promise<RecoveredWindow> {
  const half = bounds(store, HALF_TOPIC, kept.half);
  const op = bounds(store, OP_TOPIC, kept.op);
  const window = new TransactionWindow(half.from);
  const ended = await readEnds(store, op);
  const open = new Map<number, HalfMessage>();
  const closed: { readonly half: HalfMessage; readonly opOffset: number }[] = [];
  for await (const records of recordsOf(store, HALF_TOPIC, half.from, half.to)) {
    for (const record of records) {
      const found = halfMessageOf(record);
      const before = open.get(found.root);
      const isCopy = found.root !== found.offset;
      // Also an end of an earlier copy counts: 4.9 and 5.x write it where the producer put off the checks.
      const opOffset = ended.get(found.offset) ?? (isCopy ? ended.get(found.root) : undefined);
      if (before !== undefined) window.copied(before, found.offset);
      else if (isCopy) window.copied({ offset: found.root, root: found.root }, found.offset);
      if (opOffset === undefined) {
        open.set(found.root, found);
      } else {
        open.delete(found.root);
        closed.push({ half: found, opOffset });
      }
    }
  }
  closed.sort((one, other) => one.opOffset - other.opOffset);
  for (const { half: found, opOffset } of closed) window.ended(found, opOffset);
  return { window, delivered: await findDelivered(store, window, [...open.values()]) };
}

function bounds(store: MessageStore, topic: string, kept: number | undefined) {
  const first = store.minOffset(topic, TRANSACTION_QUEUE_ID);
  const to = store.maxOffset(topic, TRANSACTION_QUEUE_ID);
  return { from: Math.min(Math.max(kept ?? first, first), to), to };
}

/** Half offset to the first op record that names it. */
async function readEnds(
  store: MessageStore,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<ReadonlyMap<number, number>> {
  const ended = new Map<number, number>();
  for await (const records of recordsOf(store, OP_TOPIC, from, to)) {
    for (const { body, queueOffset } of records) {
      for (const halfOffset of endedOffsets(body)) if (!ended.has(halfOffset)) ended.set(halfOffset, queueOffset);
    }
  }
  return ended;
}

/**
 * A message and the record of its end lie directly behind one another. So where a crash tore them apart the message is the
 * very last record of the log, and the last of its queue.
 */
async function findDelivered(
  store: MessageStore,
  window: TransactionWindow,
  open: readonly HalfMessage[],
): Promise<readonly HalfMessage[]> {
  const queues = new Map<string, { readonly topic: string; readonly queueId: number }>();
  if (open.length > 0) queues.set(DISCARD_TOPIC, { topic: DISCARD_TOPIC, queueId: TRANSACTION_QUEUE_ID });
  for (const half of open) {
    const destination = destinationOf(half);
    if (destination !== undefined) queues.set(`${destination.topic} ${destination.queueId}`, destination);
  }
  const roots = new Map(open.map((half) => [half.root, half]));
  const delivered: HalfMessage[] = [];
  for (const { topic, queueId } of queues.values()) {
    const half = await transactionOfLast(store, topic, queueId);
    const found = half && roots.get(half.root);
    if (found !== undefined && window.openOffset(found) === found.offset) delivered.push(found);
  }
  return delivered;
}

/** The half message of which the last message of a queue was made. */
async function transactionOfLast(
  store: MessageStore,
  topic: string,
  queueId: number,
): Promise<HalfMessage | undefined> {
  const max = store.maxOffset(topic, queueId);
  if (max === 0) return undefined;
  const { records } = await store.get(topic, queueId, max - 1, { messagesMax: 1 });
  const last = records[0] && readRecord(records[0], 0);
  if (last === undefined) return undefined;
  if (topic !== DISCARD_TOPIC && transactionType(last.sysFlag) !== SysFlag.TRANSACTION_COMMIT) return undefined;
  const record = await store.recordAt(last.preparedTransactionOffset);
  return record?.topic === HALF_TOPIC ? halfMessageOf(record) : undefined;
}
