import { isRocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import { replyTo } from '../../message/exchange.js';
import type { MessageQueue, OutgoingMessage, ReceivedMessage } from '../../message/message.js';
import type { SendResult } from '../../pipeline/send-result.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Clock } from '../../runtime/clock.js';
import type { Producer, RawMessage } from '../producer.js';

/** What the reply's sender may say of it. */
export interface ReplySettings extends Pick<OutgoingMessage, 'tag' | 'keys' | 'properties' | 'flag'> {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 3_000;

/**
 * Sends the replies of one client, through a producer that is made with the first. A reply goes to the broker that its
 * request lay on, since the client that waits is connected to that one; only when it cannot be told does another hear it.
 * Java sends it to any broker of the cluster, which need not know that client.
 */
export class Replier {
  readonly #clock: Clock;
  readonly #routes: Pick<RouteTable, 'publishInfo'>;
  readonly #createProducer: () => Promise<Producer>;
  #producer: Promise<Producer> | undefined;
  #closed = false;

  /** The producer takes topics as they are on the wire: each cluster has one for replies, outside of all namespaces. */
  constructor(clock: Clock, routes: Pick<RouteTable, 'publishInfo'>, createProducer: () => Promise<Producer>) {
    this.#clock = clock;
    this.#routes = routes;
    this.#createProducer = createProducer;
  }

  get state(): 'running' | 'shut down' {
    return this.#closed ? 'shut down' : 'running';
  }

  /** @throws RMQ_MESSAGE_ILLEGAL for a message that is no request, and as `Producer.send` */
  async send(
    request: ReceivedMessage,
    body: Uint8Array | string,
    { timeoutMs = TIMEOUT_MS, signal, ...more }: ReplySettings = {},
  ): Promise<SendResult> {
    const message: RawMessage = { ...more, ...replyTo(request), body };
    if (this.#closed) throw rocketMQError('RMQ_NOT_RUNNING', 'The client is closed', { state: 'shut down' });
    const deadlineMs = this.#clock.monotonic() + timeoutMs;
    const producer = await this.#made();
    const options = () => ({
      timeoutMs: Math.max(1, deadlineMs - this.#clock.monotonic()),
      ...(signal && { signal }),
    });
    const queue = await this.#queueNear(request, message.topic, producer);
    if (queue === undefined) return producer.send(message, options());
    try {
      return await producer.send(message, { ...options(), queue });
    } catch (error) {
      const elsewhere = isRocketMQError(error) && error.retryable && this.#clock.monotonic() < deadlineMs;
      if (!elsewhere) throw error;
      return producer.send(message, options());
    }
  }

  async close(options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#closed = true;
    const producer = await this.#producer?.catch(() => undefined);
    await producer?.close(options);
  }

  /** The queue on the request's broker, where there is a choice. The name server is asked when none there is known. */
  async #queueNear(
    request: ReceivedMessage,
    topic: string,
    producer: Pick<Producer, 'fetchPublishMessageQueues'>,
  ): Promise<MessageQueue | undefined> {
    const isNear = ({ brokerName }: MessageQueue): boolean => brokerName === request.brokerName;
    const known = this.#routes.publishInfo(topic)?.queues ?? [];
    const queues = known.some(isNear) ? known : await producer.fetchPublishMessageQueues(topic);
    return queues.every(isNear) ? undefined : queues.find(isNear);
  }

  #made(): Promise<Producer> {
    this.#producer ??= this.#createProducer().catch((error: unknown) => {
      // The next reply tries again.
      this.#producer = undefined;
      throw error;
    });
    return this.#producer;
  }
}
