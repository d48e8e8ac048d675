import type { Admin } from '../admin/admin.js';
import type { Consumer } from '../consumer/consumer.js';
import type { ConsumerOptions } from '../consumer/options/consumer-options.js';
import type { LitePullConsumer } from '../consumer/pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from '../consumer/pull/lite-pull-options.js';
import type { PullConsumer } from '../consumer/pull/pull-consumer.js';
import type { PullConsumerOptions } from '../consumer/pull/pull-options.js';
import type { ClientHealth } from '../consumer/report/health.js';
import type { Subscribe } from '../consumer/subscription/subscribe.js';
import type { Plugin } from '../plugin/plugin.js';
import type { ProducerOptions } from '../producer/options.js';
import type { Producer } from '../producer/producer.js';
import type { LifeCycleState } from '../runtime/life-cycle.js';

/** How long `mq.close()` waits. */
export interface ClientCloseOptions {
  /** For everything together: sends in flight, running handlers. A plugin that stops has its own `pluginTimeoutMs`. Default 30,000. */
  readonly timeoutMs?: number;
  /** Stops waiting earlier. */
  readonly signal?: AbortSignal;
}

/** Counters of a client, and what it has in flight now. */
export interface ClientStatistics {
  /** Requests that servers have not answered yet. */
  readonly requestsInFlight: number;
  /** Answers of servers that came when their request was given up already, and were dropped. */
  readonly lateResponses: number;
  /** Requests of producers that wait for their replies. */
  readonly awaitedReplies: number;
  /** Replies that came when nobody waited for them any more, or came twice, and were dropped. */
  readonly lateReplies: number;
}

/**
 * One instance of a client: everything made from it shares its connections, heartbeats and timers. Two of them share
 * nothing, whatever their clusters and credentials.
 */
export interface Client {
  /** Topics, offsets and single messages of the cluster. */
  readonly admin: Admin;
  /** `ip@instanceName[@unitName]`, as brokers know it. */
  readonly clientId: string;
  readonly state: LifeCycleState;
  /** As they are at the moment of reading. */
  readonly statistics: ClientStatistics;
  /** Who sends messages; it runs. @throws RMQ_OPTIONS_INVALID, RMQ_CODEC_MISSING, RMQ_GROUP_DUPLICATE, RMQ_NOT_RUNNING */
  producer(options: ProducerOptions): Promise<Producer>;
  /**
   * Who gets messages; it starts with `run`, `runBatch`, `messages()` or `messages$`.
   * @throws RMQ_OPTIONS_INVALID, RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL (a topic's name), RMQ_NOT_RUNNING
   */
  consumer<const S extends Subscribe>(options: ConsumerOptions<S>): Promise<Consumer<S>>;
  /** How its consumers stand, those that pull included, and not those that are closed. Asks nobody: made for the probe of an orchestrator. */
  health(): ClientHealth;
  /**
   * A consumer to poll; it runs. @throws RMQ_OPTIONS_INVALID, RMQ_SUBSCRIPTION_INVALID, RMQ_MESSAGE_ILLEGAL (a topic's name),
   * RMQ_GROUP_DUPLICATE, RMQ_NAME_SERVER_UNREACHABLE, RMQ_NOT_RUNNING
   */
  litePullConsumer<const S extends Subscribe>(options: LitePullConsumerOptions<S>): Promise<LitePullConsumer<S>>;
  /** A consumer of single pulls; it runs. @throws RMQ_OPTIONS_INVALID, RMQ_GROUP_DUPLICATE, RMQ_NOT_RUNNING */
  pullConsumer(options: PullConsumerOptions): Promise<PullConsumer>;
  /** What the setup of a plugin returned; takes the very object that was given to `connect`. @throws RMQ_OPTIONS_INVALID */
  plugin<Api>(plugin: Plugin<Api>): Api;
  /**
   * Takes nothing new, closes consumers and producers (the last made first) once what they have in flight has ended, stops
   * plugins, says goodbye to brokers, disconnects. A second call shares the end of the first.
   */
  close(options?: ClientCloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
