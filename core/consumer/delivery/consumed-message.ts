import type { Properties, ReceivedMessage } from '../../message/message.js';
import { writeBody } from '../../message/typed-topic.js';
import type { SendResult } from '../../pipeline/send-result.js';
import { requireKnown } from '../../runtime/known-options.js';
import type { SubscribedValue } from '../subscription/subscribe.js';
import { ACK } from './delivery.js';
import type { DeliveryDecisions } from './delivery-decisions.js';
import { REPLY, type ReplyOptions, type ReplySender, type TypedReplyOptions } from './reply-sender.js';
import { type RetryAfter, retryOutcome } from './retry-after.js';

/**
 * A message as a handler or an iterator gets it: what was received, and what can be said of it. In a handler nothing has to
 * be said: returning acknowledges, throwing has it come again. What is said takes effect when the handler has ended, and
 * counts more than how it ended; in `messages()` and `messages$` it takes effect at once. Each returns whether it counts:
 * false once something else was said, the delivery has ended, or the queue has gone to another member.
 */
export interface ConsumedMessage<T = unknown> extends ReceivedMessage<T> {
  /** Done: it does not come again, also when the handler throws later. */
  ack(): boolean;
  /**
   * It comes again, also when the handler returns: after what the broker counts for so many tries, or as said here.
   * @throws RMQ_OPTIONS_INVALID
   */
  retry(options?: RetryAfter): boolean;
  /** It does not come again: it goes to the group's dead letters where there are any (`%DLQ%group`). */
  deadLetter(reason: string): boolean;
  /**
   * Replies to whoever sent it with `producer.request()`, or Java's. It says nothing of the message itself: one that is
   * retried may be replied to again, and the second reply is dropped at the other side.
   * @returns where the reply is stored, once the client that waits has it
   * @throws RMQ_MESSAGE_ILLEGAL for a message that is no request; RMQ_VALUE_INVALID; RMQ_SEND_FAILED when nobody waits any
   * more; as `producer.send`
   * @example await message.reply('pong');
   * @example await message.reply(quote, { as: json<Quote>() });
   */
  reply(body: Uint8Array | string, options?: ReplyOptions): Promise<SendResult>;
  reply<V>(value: V, options: TypedReplyOptions<V>): Promise<SendResult>;
}

/** A message as the handler of these subscriptions gets it. */
export type SubscribedMessage<S> = ConsumedMessage<SubscribedValue<S>>;

/**
 * A received message with the verbs. Made for each delivery of what the interceptors passed on, so that a second delivery
 * is decided anew.
 */
export class HandledMessage<T = unknown> implements ConsumedMessage<T> {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly body: Buffer;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Properties;
  readonly flag: number;
  readonly sysFlag: number;
  readonly bornTimestamp: number;
  readonly bornHost: string;
  readonly storeTimestamp: number;
  readonly storeHost: string;
  readonly reconsumeTimes: number;
  readonly commitLogOffset: number;
  readonly preparedTransactionOffset: number;
  readonly storeSize: number;
  readonly value: T;
  readonly #decisions: DeliveryDecisions;
  readonly #index: number;
  readonly #replies: ReplySender;

  /** @param index its place among the messages of the delivery */
  constructor(received: ReceivedMessage, value: T, decisions: DeliveryDecisions, index: number, replies: ReplySender) {
    this.topic = received.topic;
    this.brokerName = received.brokerName;
    this.queueId = received.queueId;
    this.queueOffset = received.queueOffset;
    this.msgId = received.msgId;
    this.offsetMsgId = received.offsetMsgId;
    this.body = received.body;
    this.tag = received.tag;
    this.keys = received.keys;
    this.properties = received.properties;
    this.flag = received.flag;
    this.sysFlag = received.sysFlag;
    this.bornTimestamp = received.bornTimestamp;
    this.bornHost = received.bornHost;
    this.storeTimestamp = received.storeTimestamp;
    this.storeHost = received.storeHost;
    this.reconsumeTimes = received.reconsumeTimes;
    this.commitLogOffset = received.commitLogOffset;
    this.preparedTransactionOffset = received.preparedTransactionOffset;
    this.storeSize = received.storeSize;
    this.value = value;
    this.#decisions = decisions;
    this.#index = index;
    this.#replies = replies;
  }

  ack(): boolean {
    return this.#decisions.decide(this.#index, ACK);
  }

  retry(options?: RetryAfter): boolean {
    return this.#decisions.decide(this.#index, retryOutcome(undefined, options));
  }

  deadLetter(reason: string): boolean {
    return this.#decisions.decide(this.#index, { kind: 'deadLetter', reason });
  }

  async reply(body: unknown, options: ReplyOptions & Partial<TypedReplyOptions<unknown>> = {}): Promise<SendResult> {
    requireKnown(options, REPLY);
    const { as, ...rest } = options;
    const bytes = as === undefined ? body : await writeBody(as, 'as', body, this.topic);
    return this.#replies.send(this, bytes as Uint8Array | string, rest);
  }
}
