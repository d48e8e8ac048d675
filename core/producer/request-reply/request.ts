import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { requestProperties } from '../../message/exchange.js';
import { frozenMessage } from '../../message/frozen-message.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { UniqueIdGenerator } from '../../message/message-ids.js';
import { type BodyReader, bodyReader } from '../../message/typed-topic.js';
import type { SendResult } from '../../pipeline/send-result.js';
import type { Clock } from '../../runtime/clock.js';
import type { DeadlineEntry } from '../../runtime/deadline-entry.js';
import type { DeadlineHeap } from '../../runtime/deadline-heap.js';
import type { AnyMessage, RawMessage, RequestOptions, SendOptions } from '../producer.js';
import type { ProducerSend, SendObserver } from '../producer-send.js';
import { encodeTyped, isTyped } from '../send-input.js';
import { checkRequestOptions } from '../send-options.js';
import type { AwaitedReply, ReplyInbox } from './reply-inbox.js';
import type { ReplyAttachment } from './reply-interceptor.js';

/** What a request needs of its producer. */
export interface RequestHost {
  readonly clock: Clock;
  readonly ids: UniqueIdGenerator;
  readonly deadlines: DeadlineHeap;
  readonly replies: ReplyInbox;
  /** What plugins make of replies, in order. */
  readonly interceptors: readonly ReplyAttachment[];
  /** @throws RMQ_OPTIONS_INVALID */
  timeoutMsOf(options: SendOptions): number;
  /** @throws RMQ_NOT_RUNNING */
  requireRunning(): void;
  /** Sends the message of a request that was taken. @throws RMQ_OPTIONS_INVALID */
  launch(message: RawMessage, options: SendOptions, startMs: number, observer: SendObserver): ProducerSend;
  /** The producer's end waits for the request, or cancels it. */
  hold(request: { cancel(): void }): void;
  release(request: { cancel(): void }): void;
}

/** Sends a message and waits for the reply to it. Matches Apache's DefaultMQProducer.request. */
export async function request<R>(
  host: RequestHost,
  given: AnyMessage,
  options: RequestOptions<R>,
): Promise<ReceivedMessage<R>> {
  const startMs = host.clock.monotonic();
  host.requireRunning();
  checkRequestOptions(options);
  const { replyAs, ...sendOptions } = options;
  const read: BodyReader<R> | undefined = replyAs && bodyReader(replyAs, 'replyAs');
  const timeoutMs = host.timeoutMsOf(options);
  const message = isTyped(given) ? await encodeTyped(given) : (given as RawMessage);
  const reply = await new Promise<ReceivedMessage>((resolve, reject) => {
    new RequestCall(host, message, { ...sendOptions, timeoutMs }, startMs + timeoutMs, resolve, reject).begin(startMs);
  });
  return { ...reply, value: (await read?.(reply.body, reply.topic)) as R };
}

/** A request under way: first its message is sent, then the reply is waited for. The reply may overtake the send's end. */
class RequestCall implements SendObserver, AwaitedReply, DeadlineEntry {
  readonly correlationId: string;
  readonly deadlineMs: number;
  heapIndex = -1;
  readonly #host: RequestHost;
  readonly #message: RawMessage;
  readonly #options: SendOptions & { readonly timeoutMs: number };
  readonly #resolve: (reply: ReceivedMessage) => void;
  readonly #reject: (error: unknown) => void;
  #send: ProducerSend | undefined;
  /** Set when the message is sent. */
  #result: SendResult | undefined;
  /** The plugin that has the reply. */
  #heldBy: string | undefined;
  #over = false;

  constructor(
    host: RequestHost,
    message: RawMessage,
    options: SendOptions & { readonly timeoutMs: number },
    deadlineMs: number,
    resolve: (reply: ReceivedMessage) => void,
    reject: (error: unknown) => void,
  ) {
    // Of the same make as message ids: no two clients make the same.
    this.correlationId = host.ids.next();
    this.deadlineMs = deadlineMs;
    this.#host = host;
    this.#message = message;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(startMs: number): void {
    const { replies } = this.#host;
    const properties = requestProperties(this.correlationId, replies.clientId, this.#options.timeoutMs);
    const message = this.#message;
    const request = { ...message, systemProperties: { ...message.systemProperties, ...properties } };
    this.#host.hold(this);
    replies.await(this);
    try {
      this.#send = this.#host.launch(request, this.#options, startMs, this);
    } catch (error) {
      this.onError(error);
    }
  }

  onResult(result: SendResult): void {
    if (this.#over) return;
    this.#result = result;
    if (this.deadlineMs !== Number.POSITIVE_INFINITY) this.#host.deadlines.add(this);
    const { signal } = this.#options;
    if (signal?.aborted) this.cancel();
    else signal?.addEventListener('abort', this);
  }

  onError(error: unknown): void {
    this.#end(() => this.#reject(error));
  }

  onReply(reply: ReceivedMessage): void {
    if (this.#host.interceptors.length === 0) this.#end(() => this.#resolve(reply));
    else void this.#passThrough(reply);
  }

  onUnreadableReply(error: unknown): void {
    this.onError(error);
  }

  onDeadline(): void {
    const { topic } = this.#message;
    const { timeoutMs } = this.#options;
    const plugin = this.#heldBy;
    const what = plugin === undefined ? 'no reply to it came' : `plugin ${plugin} did not hand on its reply`;
    const message = `The request to topic ${topic} was sent, but ${what} within ${timeoutMs} ms`;
    const holder = plugin === undefined ? {} : { plugin };
    const fields = { topic, timeoutMs, msgId: this.#result!.msgId, ...holder, sent: 'maybe' } as const;
    this.onError(rocketMQError('RMQ_REPLY_TIMEOUT', message, fields));
  }

  /** The listener of the caller's AbortSignal. */
  handleEvent(): void {
    this.cancel();
  }

  cancel(): void {
    if (this.#over) return;
    if (this.#result === undefined) this.#send?.cancel();
    else this.onError(this.#aborted(this.#result));
  }

  /** Never rejects. */
  async #passThrough(received: ReceivedMessage): Promise<void> {
    let reply = received;
    const request = frozenMessage(this.#message);
    for (const { plugin, intercept } of this.#host.interceptors) {
      if (this.#over) return;
      this.#heldBy = plugin;
      try {
        reply = await intercept(reply, request);
        if (typeof reply !== 'object' || reply === null) throw new TypeError('it has to return the reply, or another');
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        const message = `plugin ${plugin} failed with the reply to a request: ${words}`;
        this.onError(rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin, sent: 'maybe' }, { cause: error }));
        return;
      }
    }
    this.#end(() => this.#resolve(reply));
  }

  #aborted({ msgId }: SendResult): RocketMQError {
    const { topic } = this.#message;
    const message = `The request to topic ${topic} was cancelled while it waited for the reply; its message is sent`;
    return rocketMQError('RMQ_SEND_ABORTED', message, { topic, sent: 'maybe', msgId });
  }

  /** The producer hears of the end only after the caller was told. */
  #end(tell: () => void): void {
    if (this.#over) return;
    this.#over = true;
    const { deadlines, replies } = this.#host;
    deadlines.remove(this);
    replies.forget(this);
    this.#options.signal?.removeEventListener('abort', this);
    tell();
    this.#host.release(this);
  }
}
