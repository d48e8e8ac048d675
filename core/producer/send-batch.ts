import { type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { atMessage, ofMessage, validateBatch } from '../message/batch-rules.js';
import type { UniqueIdGenerator } from '../message/message-ids.js';
import { batchItemOf } from '../message/outgoing-batch.js';
import { type BatchRun, splitIntoBatches } from '../message/split-batch.js';
import type { SendResult } from '../pipeline/send-result.js';
import type { Clock } from '../runtime/clock.js';
import {
  type BatchPart,
  batchPart,
  type EncodedMessages,
  type PartRules,
  resultsOf,
  singlePart,
} from './accumulation/batch-part.js';
import type { LaunchPart } from './accumulation/open-batch.js';
import type { AnyMessage, RawMessage, SendOptions } from './producer.js';
import type { SendObserver } from './producer-send.js';
import { encodeTyped, isTyped } from './send-input.js';
import { checkSendOptions } from './send-options.js';

/** What a batch needs of its producer. */
export interface BatchHost extends PartRules {
  readonly clock: Clock;
  readonly ids: UniqueIdGenerator;
  /** Default of a batch's deadline. */
  readonly timeoutMs: number;
  /** @throws RMQ_NOT_RUNNING */
  requireRunning(): void;
  /** Sends a part of a batch that was taken, also when the producer has begun to close. @throws RMQ_OPTIONS_INVALID */
  readonly launchPart: LaunchPart;
  /** Lets the producer's end wait for the whole batch. */
  hold(): void;
  release(): void;
}

/**
 * Sends messages as batches, in parts where they are too large for one. Nothing is sent when anything is wrong with any
 * of them; the parts go one after another to the same queue, so that the order holds.
 */
export async function sendBatch(
  host: BatchHost,
  given: readonly AnyMessage[],
  options: SendOptions | undefined,
): Promise<readonly SendResult[]> {
  const startMs = host.clock.monotonic();
  host.requireRunning();
  if (!Array.isArray(given)) {
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', 'A batch is an array of messages', { field: 'messages' });
  }
  checkSendOptions(options);
  const encoding = Array.from(given, encodedAt);
  const messages = encoding.some((one) => one instanceof Promise)
    ? await Promise.all(encoding)
    : (encoding as RawMessage[]);
  validateBatch(messages, host.maxMessageSizeBytes);
  const shardingKey = options?.shardingKey ?? sharedShardingKey(messages);
  const encoded = encodedMessages(host, messages);
  return new Promise((resolve, reject) => {
    const { shardingKey: _, ...rest } = options ?? {};
    const first = shardingKey === undefined ? rest : { ...rest, shardingKey };
    new BatchSend(host, given, encoded, first, startMs, resolve, reject).begin();
  });
}

/** The parts of one batch, one after another. */
class BatchSend implements SendObserver {
  readonly #host: BatchHost;
  readonly #given: readonly AnyMessage[];
  readonly #encoded: EncodedMessages;
  readonly #options: SendOptions;
  readonly #startMs: number;
  readonly #resolve: (results: readonly SendResult[]) => void;
  readonly #reject: (error: unknown) => void;
  readonly #runs: readonly BatchRun[];
  readonly #results: SendResult[] = [];
  /** How many parts were begun. */
  #begun = 0;
  #part: BatchPart | undefined;

  constructor(
    host: BatchHost,
    given: readonly AnyMessage[],
    encoded: EncodedMessages,
    options: SendOptions,
    startMs: number,
    resolve: (results: readonly SendResult[]) => void,
    reject: (error: unknown) => void,
  ) {
    this.#host = host;
    this.#given = given;
    this.#encoded = encoded;
    this.#options = options;
    this.#startMs = startMs;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#runs = splitIntoBatches(encoded.items, host.maxMessageSizeBytes);
  }

  begin(): void {
    this.#host.hold();
    try {
      this.#launch(this.#options);
    } catch (error) {
      // An option is wrong: nothing was begun.
      this.#end(() => this.#reject(error));
    }
  }

  onResult(result: SendResult): void {
    for (const one of resultsOf(result, this.#part!)) this.#results.push(one);
    if (this.#begun === this.#runs.length) {
      this.#end(() => this.#resolve(this.#results));
      return;
    }
    const { timeoutMs = this.#host.timeoutMs } = this.#options;
    if (this.#host.clock.monotonic() >= this.#startMs + timeoutMs) {
      this.onError(this.#timedOut(timeoutMs), 'no');
      return;
    }
    const { selector: _, shardingKey: __, ...options } = this.#options;
    this.#launch({ ...options, queue: result.queue });
  }

  onError(error: RocketMQError, sent: 'no' | 'maybe' = 'no'): void {
    this.#end(() => this.#reject(this.#incomplete(error, sent)));
  }

  #launch(options: SendOptions): void {
    const { start, end, alone } = this.#runs[this.#begun++]!;
    const { messages, items, msgIds } = this.#encoded;
    this.#part = alone
      ? singlePart(messages[start]!, msgIds[start]!)
      : batchPart(
          {
            messages: messages.slice(start, end),
            items: items.slice(start, end),
            msgIds: msgIds.slice(start, end),
          },
          this.#host,
        );
    this.#host.launchPart(this.#part, options, this.#startMs, this);
  }

  /** The producer hears of the end only after the caller was told. */
  #end(tell: () => void): void {
    tell();
    this.#host.release();
  }

  #timedOut(timeoutMs: number): RocketMQError {
    const { topic } = this.#encoded.messages[0]!;
    const message = `The batch to topic ${topic} did not end within ${timeoutMs} ms: part ${this.#begun + 1} of ${this.#runs.length} was not begun`;
    this.#begun++;
    return rocketMQError('RMQ_SEND_TIMEOUT', message, { topic, timeoutMs, stage: 'check', sent: 'no' });
  }

  #incomplete(cause: RocketMQError, sent: 'no' | 'maybe'): RocketMQError {
    const run = this.#runs[this.#begun - 1]!;
    const { topic } = this.#encoded.messages[0]!;
    const count = this.#given.length;
    const message = `${run.start} of the ${count} messages to topic ${topic} were sent, part ${this.#begun} of ${this.#runs.length} failed: ${cause.message}`;
    const failedCount = run.end - run.start;
    const fields = { topic, results: this.#results, unsent: this.#given.slice(run.start), failedCount, sent };
    return rocketMQError('RMQ_BATCH_INCOMPLETE', message, fields, { cause, retryable: cause.retryable });
  }
}

function encodedAt(message: AnyMessage, index: number): RawMessage | Promise<RawMessage> {
  return atMessage(index, () => {
    if (!isTyped(message)) return message as RawMessage;
    const encoded = encodeTyped(message);
    if (!(encoded instanceof Promise)) return encoded;
    return encoded.catch((error: unknown) => {
      throw ofMessage(index, error);
    });
  });
}

function encodedMessages({ ids, system }: BatchHost, messages: readonly RawMessage[]): EncodedMessages {
  const msgIds = messages.map(() => ids.next());
  const items = messages.map((message, index) => atMessage(index, () => batchItemOf(message, msgIds[index]!, system)));
  return { messages, items, msgIds };
}

/** A batch goes to one queue: its messages have one key or none. @throws RMQ_MESSAGE_ILLEGAL */
function sharedShardingKey(messages: readonly RawMessage[]): string | undefined {
  const { shardingKey } = messages[0]!;
  const index = messages.findIndex((message) => message.shardingKey !== shardingKey);
  if (index < 0) return shardingKey;
  const { topic } = messages[index]!;
  const text = `Message ${index} of the batch has another shardingKey than the first: a batch goes to one queue`;
  throw rocketMQError('RMQ_MESSAGE_ILLEGAL', text, { field: 'shardingKey', topic, index });
}
