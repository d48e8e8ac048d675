import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import { optionalInt64 } from '../../remoting/protocol/ext-fields.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import { ACK } from '../delivery/delivery.js';
import { pullAddress } from '../feeds/pull-address.js';
import { type PullFacts, pullRequest, readPullAnswer } from '../feeds/pull-request.js';
import { ConsumedQueue } from '../queues/consumed-queue.js';
import type { TopicSubscription } from '../subscription/subscription.js';
import type { LitePullServices } from './lite-pull-consumer.js';
import type { MessageGiver } from './message-giver.js';
import type { PullResult, PullStatus } from './pull-consumer.js';

const STATUS: Readonly<Record<number, PullStatus>> = {
  [ResponseCode.SUCCESS]: 'FOUND',
  [ResponseCode.PULL_NOT_FOUND]: 'NO_NEW_MSG',
  [ResponseCode.PULL_RETRY_IMMEDIATELY]: 'NO_MATCHED_MSG',
  [ResponseCode.PULL_OFFSET_MOVED]: 'OFFSET_ILLEGAL',
};
const NO_LIMITS = { messages: 1, sizeBytes: 1, span: 1 };

export interface QueuePull {
  /** Names on the wire. */
  readonly queue: MessageQueue;
  readonly subscription: TopicSubscription;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly offset: number;
  readonly maxMessages: number;
  /** How long the broker may hold it; undefined for an answer at once. */
  readonly suspendTimeoutMs: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Which of the brokers of that name the last answer suggested; 0, the master, at first. */
  readonly brokerId: number;
  /** Told what the answer suggests for the next pull of the queue. */
  readonly onSuggested: (brokerId: number) => void;
}

/** One pull of one queue, and its messages through plugins' filters and interceptors: for them they are done at once. */
export async function pullQueue(
  pull: QueuePull,
  giver: MessageGiver,
  { routes, remoting }: LitePullServices,
): Promise<PullResult> {
  const { queue, subscription, wireGroup, offset, maxMessages, suspendTimeoutMs, timeoutMs, signal } = pull;
  const facts: PullFacts = {
    ...{ group: wireGroup, queue, offset, batchSize: maxMessages, commitOffset: 0, subVersion: 0 },
    suspendTimeoutMs: suspendTimeoutMs ?? 0,
    held: suspendTimeoutMs !== undefined,
    expressionType: subscription.expressionType,
    subscription: subscription.expression,
  };
  const { brokerName, topic } = queue;
  const address = pullAddress(routes, brokerName, pull.brokerId) ?? (await routes.loadBrokerAddress(brokerName, topic));
  const response = await remoting.invoke(address, pullRequest(facts), { timeoutMs, signal });
  const answer = readPullAnswer(response, address);
  pull.onSuggested(answer.suggestedBrokerId);
  const result = {
    status: STATUS[response.code] ?? 'NO_NEW_MSG',
    messages: [],
    nextBeginOffset: answer.nextOffset,
    minOffset: optionalInt64(response, 'minOffset') ?? 0,
    maxOffset: optionalInt64(response, 'maxOffset') ?? 0,
  };
  if (answer.kind !== 'found') return result;
  const consumed = new ConsumedQueue(queue, subscription, offset, NO_LIMITS);
  // A broker may begin before the offset: at a message that a batch of the store holds together with the one asked for.
  const wanted = answer.messages.filter(({ queueOffset }) => queueOffset >= offset);
  const { delivery, messages, rest, failure } = await giver.give(consumed, wanted);
  delivery?.end(ACK);
  if (failure === undefined) return { ...result, messages };
  if (messages.length === 0) throw failure;
  return { ...result, messages, nextBeginOffset: rest[0]?.queueOffset ?? answer.nextOffset };
}

/** @throws RMQ_OPTIONS_INVALID */
export function requireOffset(offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  const message = `pull consumer: an offset is a whole number from 0, not ${String(offset)}`;
  throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'offset' });
}
