import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import {
  ACK,
  type DeliveryContext,
  type DeliveryOutcome,
  type MessageOutcome,
  outcomeOf,
} from '../delivery/delivery.js';
import {
  composeDelivery,
  type DeliveryEnd,
  type NamedDeliveryInterceptor,
  type SettleDelivery,
} from '../delivery/delivery-chain.js';
import { DeliveryPass } from '../delivery/delivery-pass.js';
import type { MessageReader } from '../delivery/message-reader.js';
import { RunningDelivery } from '../delivery/running-delivery.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PulledMessage } from '../queues/pulled-message.js';
import type { DecodableTopic } from '../subscription/subscribe.js';

/** What became of messages that were to be given to the application. */
export interface Given {
  /** For the application: the messages, and what to tell when it has done with them. */
  readonly delivery: GivenDelivery | undefined;
  readonly messages: readonly ReceivedMessage[];
  /** The records of those messages. */
  readonly held: readonly PulledMessage[];
  /** None of this consumer's business: another tag, a filter, an interceptor that took them. */
  readonly skipped: readonly PulledMessage[];
  /** What could not be given, and what lies behind it. */
  readonly rest: readonly PulledMessage[];
  /** Why the first of `rest` could not be given. */
  readonly failure: Error | undefined;
}

/** A delivery between the hands of the application and its end. */
export interface GivenDelivery {
  readonly consumed: ConsumedQueue;
  readonly held: readonly PulledMessage[];
  /** Interceptors hear of its end. */
  end(outcome: DeliveryOutcome): void;
}

export interface MessageGiverOptions {
  /** The group as the application writes it. */
  readonly group: string;
  readonly reader: MessageReader;
  readonly interceptors: readonly NamedDeliveryInterceptor[];
  /** The typed topic of that name. */
  readonly decodableOf: (topic: string) => DecodableTopic | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** For interceptors and codecs to hand messages on: the application waits, and nothing else watches them. */
const HAND_ON_TIMEOUT_MS = 30_000;

/** A message that reached the end of the chain: with its value, or without one. */
type Read = { readonly message: ReceivedMessage } | { readonly error: unknown };

/** One delivery on its way through the interceptors. */
class Passing extends RunningDelivery {
  /** Told once: the messages are at the end of the chain, or it ended before. */
  arrived: (read: readonly Read[] | undefined) => void = () => undefined;
  settle: SettleDelivery | undefined;
  /** How it ended before its messages were at the end of the chain. */
  outcome: DeliveryOutcome | undefined;
  /** Nobody watches it any more. */
  onLeft: () => void = () => undefined;
}

/**
 * Gives pulled messages to an application that asks for them, through plugins' filters and interceptors as handlers get theirs.
 * For interceptors a delivery lasts until the application has done with its messages.
 */
export class MessageGiver {
  readonly #options: MessageGiverOptions;
  readonly #deliver: DeliveryEnd;

  constructor(options: MessageGiverOptions) {
    const { group, logger } = options;
    this.#options = options;
    this.#deliver = composeDelivery(
      options.interceptors,
      (context, settle) => void this.#end(context, settle),
      (error) => logger.warn('a delivery interceptor broke a rule after the delivery had ended', { group, error }),
    );
  }

  /** Never rejects. What is not handed on by the time that `signal` aborts, or for long, could not be given. */
  async give(consumed: ConsumedQueue, taken: readonly PulledMessage[], signal?: AbortSignal): Promise<Given> {
    const { reader, group, clock } = this.#options;
    await reader.read(consumed, taken);
    const { wanted, skipped, rest, failure } = this.#sort(consumed, taken);
    if (wanted.length === 0) return { delivery: undefined, messages: [], held: [], skipped, rest, failure };
    const passing = new Passing(group, consumed, wanted, clock.monotonic());
    const read = await new Promise<readonly Read[] | undefined>((resolve) => {
      const end = (outcome: DeliveryOutcome): void => {
        passing.outcome ??= outcome;
        resolve(undefined);
      };
      const giveUp = (error: unknown): void => end({ kind: 'retry', error });
      const abort = (): void => giveUp(signal?.reason);
      const tooLong = (): void => giveUp(handOnTimeout(group, passing.heldBy));
      const timer = clock.setTimer(HAND_ON_TIMEOUT_MS, tooLong, { ref: true });
      signal?.addEventListener('abort', abort, { once: true });
      passing.arrived = resolve;
      this.#deliver(new DeliveryPass(passing, passing.messages), end);
      passing.onLeft = () => {
        timer.cancel();
        signal?.removeEventListener('abort', abort);
      };
    });
    passing.onLeft();
    if (read === undefined) return this.#endedBefore(passing, skipped, rest);
    const count = read.findIndex((one) => 'error' in one);
    const readable = (count < 0 ? read : read.slice(0, count)) as readonly { readonly message: ReceivedMessage }[];
    const broken = read[readable.length];
    const held = wanted.slice(0, readable.length);
    const unreadable = wanted.slice(readable.length);
    const error = broken !== undefined && 'error' in broken ? broken.error : undefined;
    const delivery = ofPassing(passing, held, error);
    if (held.length === 0) delivery.end(ACK);
    return {
      delivery: held.length === 0 ? undefined : delivery,
      messages: readable.map(({ message }) => message),
      held,
      skipped,
      rest: [...unreadable, ...rest],
      failure: unreadable[0] === undefined ? failure : failureOf(consumed.shown, unreadable[0], error),
    };
  }

  /** In the order of the queue: what may be given, up to the first that cannot. */
  #sort(consumed: ConsumedQueue, taken: readonly PulledMessage[]) {
    const wanted: PulledMessage[] = [];
    const skipped: PulledMessage[] = [];
    for (const [index, pulled] of taken.entries()) {
      const verdict = this.#options.reader.verdict(consumed, pulled);
      if (verdict.kind === 'fail' || verdict.kind === 'unreadable') {
        const failure = failureOf(consumed.shown, pulled, verdict.error);
        return { wanted, skipped, rest: taken.slice(index), failure };
      }
      (verdict.kind === 'skip' ? skipped : wanted).push(pulled);
    }
    return { wanted, skipped, rest: [], failure: undefined };
  }

  /** Interceptors ended it themselves: what they acknowledged is done, the first of the others is what failed. */
  #endedBefore(passing: Passing, skipped: readonly PulledMessage[], rest: readonly PulledMessage[]): Given {
    const { consumed, held } = passing;
    const outcome = passing.outcome ?? ACK;
    passing.end();
    const outcomes = held.map((pulled, index) => ({ pulled, own: outcomeOf(outcome, index) }));
    const failed = outcomes.filter(({ own }) => own.kind !== 'ack');
    const [first] = failed;
    return {
      delivery: undefined,
      messages: [],
      held: [],
      skipped: [...skipped, ...outcomes.filter(({ own }) => own.kind === 'ack').map(({ pulled }) => pulled)],
      rest: [...failed.map(({ pulled }) => pulled), ...rest],
      failure: first && failureOf(consumed.shown, first.pulled, reasonOf(first.own)),
    };
  }

  /** The innermost part of the chain: values are made of the bodies that interceptors passed on. */
  async #end(context: DeliveryContext, settle: SettleDelivery): Promise<void> {
    const passing = DeliveryPass.deliveryOf(context) as Passing;
    passing.settle = settle;
    const read = await Promise.all(context.messages.map((message) => this.#read(message)));
    if (passing.outcome === undefined) passing.arrived(read);
    else settle(passing.outcome);
  }

  async #read(message: ReceivedMessage): Promise<Read> {
    const decodable = this.#options.decodableOf(message.topic);
    if (decodable === undefined) return { message };
    try {
      return { message: { ...message, value: await decodable.decode(message.body) } };
    } catch (error) {
      return { error };
    }
  }
}

function handOnTimeout(group: string, plugin: string | undefined): Error {
  const timeoutMs = HAND_ON_TIMEOUT_MS;
  const who = plugin === undefined ? 'a codec' : `plugin ${plugin}`;
  const message = `${who} did not hand on messages for group ${group} within ${timeoutMs} ms`;
  return rocketMQError('RMQ_CONSUME_TIMEOUT', message, { timeoutMs, ...(plugin !== undefined && { plugin }) });
}

function reasonOf(outcome: MessageOutcome): unknown {
  if (outcome.kind === 'deadLetter') return outcome.error ?? outcome.reason;
  return outcome.kind === 'retry' ? (outcome.error ?? 'an interceptor wants it again') : undefined;
}

function ofPassing(passing: Passing, held: readonly PulledMessage[], error: unknown): GivenDelivery {
  let over = false;
  return {
    consumed: passing.consumed,
    held,
    end(outcome) {
      if (over) return;
      over = true;
      passing.end();
      const retry = { kind: 'retry', error } as const;
      const each = passing.held.map((_, index) => (index < held.length ? outcomeOf(outcome, index) : retry));
      passing.settle?.(held.length === passing.held.length ? outcome : { kind: 'each', outcomes: each });
    },
  };
}

function failureOf(
  { topic, brokerName, queueId }: MessageQueue,
  { queueOffset }: PulledMessage,
  cause: unknown,
): Error {
  const why = cause instanceof Error ? cause.message : String(cause);
  return rocketMQError(
    'RMQ_POLL_FAILED',
    `message ${queueOffset} of queue ${queueId} of topic ${topic} at ${brokerName} cannot be given out: ${why}`,
    { topic, broker: brokerName, queueId, queueOffset },
    { cause },
  );
}
