import type { MessageQueue } from '../../../message/message.js';
import type { MessageRequestModeSetting } from '../../../remoting/protocol/message-request-mode.js';
import { byCodeUnits } from '../../../runtime/by-code-units.js';

/** Stands for whichever queue the broker likes. */
const ANY_QUEUE = -1;

type Allocate = (
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  index: number,
) => readonly MessageQueue[];

/** What a broker can share out by: Apache's AllocateMessageQueueAveragely and AllocateMessageQueueAveragelyByCircle. */
const STRATEGIES: ReadonlyMap<string, Allocate> = new Map([
  ['AVG', averagely],
  ['AVG_BY_CIRCLE', (queues, { length }, index) => queues.filter((_, at) => at % length === index)],
]);

export interface AllocationRequest {
  readonly clientId: string;
  readonly strategyName: string;
  readonly setting: MessageRequestModeSetting;
}

/**
 * The queues of a topic that one client of a group consumes; undefined for a strategy that is none. Who pops may take from
 * any queue, each broker once, unless told to share with a few. Matches doLoadBalance of Apache's QueryAssignmentProcessor.
 */
export function allocateQueues(
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  { clientId, strategyName, setting: { mode, popShareQueueNum } }: AllocationRequest,
): readonly MessageQueue[] | undefined {
  const allocate = STRATEGIES.get(strategyName);
  if (allocate === undefined) return undefined;
  const all = [...queues].sort(byBrokerAndId);
  const members = [...clientIds].sort(byCodeUnits);
  const index = members.indexOf(clientId);
  if (mode === 'POP' && (popShareQueueNum <= 0 || popShareQueueNum >= members.length - 1)) {
    return onePerBroker(all);
  }
  if (index < 0 || all.length === 0) return [];
  if (mode === 'PULL') return allocate(all, members, index);
  if (members.length > all.length) return [all[index % all.length]!];
  const shared = new Set<MessageQueue>();
  for (let step = 0; step <= popShareQueueNum; step++) {
    for (const queue of allocate(all, members, (index + step) % members.length)) shared.add(queue);
  }
  return [...shared];
}

function averagely(queues: readonly MessageQueue[], { length }: readonly string[], index: number) {
  const rest = queues.length % length;
  const size = Math.floor(queues.length / length) + (index < rest ? 1 : 0);
  const start = index * size + (index < rest ? 0 : rest);
  return queues.slice(start, start + size);
}

function onePerBroker(queues: readonly MessageQueue[]): MessageQueue[] {
  const byBroker = new Map(queues.map((queue) => [queue.brokerName, { ...queue, queueId: ANY_QUEUE }]));
  return [...byBroker.values()];
}

function byBrokerAndId(one: MessageQueue, other: MessageQueue): number {
  return byCodeUnits(one.brokerName, other.brokerName) || one.queueId - other.queueId;
}
