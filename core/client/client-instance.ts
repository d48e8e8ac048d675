import type { Admin } from '../admin/admin.js';
import type { Consumer } from '../consumer/consumer.js';
import type { ConsumerOptions } from '../consumer/options/consumer-options.js';
import type { LitePullConsumer } from '../consumer/pull/lite-pull-consumer.js';
import type { LitePullConsumerOptions } from '../consumer/pull/lite-pull-options.js';
import type { PullConsumer } from '../consumer/pull/pull-consumer.js';
import type { PullConsumerOptions } from '../consumer/pull/pull-options.js';
import { type ClientHealth, clientHealth } from '../consumer/report/health.js';
import type { Subscribe } from '../consumer/subscription/subscribe.js';
import { rocketMQError } from '../errors/rocketmq-error.js';
import type { Plugin, PluginProducerOptions } from '../plugin/plugin.js';
import type { ProducerOptions } from '../producer/options.js';
import type { Producer } from '../producer/producer.js';
import { requireCloseOptions } from '../runtime/known-options.js';
import { LifeCycle, type LifeCycleState } from '../runtime/life-cycle.js';
import type { Client, ClientCloseOptions, ClientStatistics } from './client.js';
import type { ClientParts } from './client-parts.js';
import { type OpenPart, OpenParts } from './open-parts.js';
import { createPluginRuntime } from './plugin-runtime.js';

const CLOSE_TIMEOUT_MS = 30_000;

/** One `connect()`. Matches Apache's MQClientInstance. */
export class ClientInstance implements Client {
  readonly #parts: ClientParts;
  readonly #life: LifeCycle;
  readonly #open: OpenParts;
  /** Producers that plugins use themselves: they outlive the plugins' onStop. */
  readonly #internal: OpenParts;
  readonly #consumers = new Map<OpenPart, Pick<Consumer, 'health'>>();
  #admin: Admin | undefined;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.#life = new LifeCycle(`client ${parts.clientId}`);
    this.#open = new OpenParts(parts.clock);
    this.#internal = new OpenParts(parts.clock);
    this.#internal.add(parts.replier);
  }

  get admin(): Admin {
    this.#admin ??= this.#parts.createAdmin(() => this.#life.requireRunning());
    return this.#admin;
  }

  get clientId(): string {
    return this.#parts.clientId;
  }

  get state(): LifeCycleState {
    return this.#life.state;
  }

  get statistics(): ClientStatistics {
    return this.#parts.statistics();
  }

  /** Starts plugins and periodic tasks. @throws RMQ_PLUGIN_FAILED; RMQ_NOT_RUNNING with the first failure for a later call */
  start(): Promise<void> {
    return this.#life.start(async () => {
      const { plugins, scheduler, routes, nameServers, remoting } = this.#parts;
      for (const [code, { handler }] of plugins.registrations.handlers) remoting.handle(code, handler);
      scheduler.every('refresh routes', { periodMs: this.#parts.pollNameServerIntervalMs }, () => routes.refresh());
      scheduler.every('heartbeat', { periodMs: this.#parts.heartbeatIntervalMs }, () => this.#heartbeat());
      if (nameServers.refresh !== undefined) {
        const periodMs = this.#parts.addressServerIntervalMs;
        scheduler.every('ask the address server', { periodMs }, () => nameServers.refresh?.());
      }
      await plugins.start(createPluginRuntime(this.#parts, (plugin, options) => this.#pluginProducer(plugin, options)));
    });
  }

  async producer(options: ProducerOptions): Promise<Producer> {
    this.#life.requireRunning();
    return this.#keep(this.#open, await this.#parts.createProducer(options, false));
  }

  async consumer<const S extends Subscribe>(options: ConsumerOptions<S>): Promise<Consumer<S>> {
    this.#life.requireRunning();
    const consumer = this.#parts.createConsumer(options, (closed) => this.#forget(closed));
    this.#consumers.set(consumer, consumer);
    return this.#open.add(consumer);
  }

  health(): ClientHealth {
    return clientHealth([...this.#consumers.values()].map((consumer) => consumer.health()));
  }

  async litePullConsumer<const S extends Subscribe>(options: LitePullConsumerOptions<S>): Promise<LitePullConsumer<S>> {
    this.#life.requireRunning();
    return this.#keepConsumer(await this.#parts.createLitePullConsumer(options, (closed) => this.#forget(closed)));
  }

  async pullConsumer(options: PullConsumerOptions): Promise<PullConsumer> {
    this.#life.requireRunning();
    return this.#keepConsumer(await this.#parts.createPullConsumer(options, (closed) => this.#forget(closed)));
  }

  plugin<Api>(plugin: Plugin<Api>): Api {
    return this.#parts.plugins.api(plugin);
  }

  async close(options: ClientCloseOptions = {}): Promise<void> {
    requireCloseOptions(options);
    return this.#life.close(() => this.#close(options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close({ timeoutMs = CLOSE_TIMEOUT_MS, signal }: ClientCloseOptions): Promise<void> {
    const { clock, logger, plugins, membership, scheduler, remoting, release } = this.#parts;
    const failures: unknown[] = [];
    const onError = (error: unknown): void => {
      failures.push(error);
      logger.error('a part of the client did not close well', { error });
    };
    const deadlineMs = clock.monotonic() + timeoutMs;
    membership.closeBy(deadlineMs);
    const drain = (parts: OpenParts) =>
      parts.close({
        timeoutMs: Math.max(0, deadlineMs - clock.monotonic()),
        ...(signal === undefined ? {} : { signal }),
        onError,
      });
    await drain(this.#open);
    await plugins.stop();
    await drain(this.#internal);
    await membership.leaveAll();
    membership.close();
    // Pending requests end before their waiters are waited for: a route refresh in flight must not hold the close.
    await Promise.all([remoting.close().catch(onError), scheduler.close()]);
    await release().catch(onError);
    if (failures.length > 0) throw failures[0];
  }

  async #heartbeat(): Promise<void> {
    const { nameServers, membership, remoting, routes, furtherAddresses, logger } = this.#parts;
    try {
      const keep = new Set(await nameServers.nameServers());
      for (const { address } of routes.brokers()) {
        keep.add(address);
        for (const further of furtherAddresses(address)) keep.add(further);
      }
      remoting.retainAddresses((address) => keep.has(address));
      membership.retain((address) => keep.has(address));
    } catch (error) {
      logger.warn('the name servers are not known, connections stay', { error });
    }
    await membership.heartbeat();
  }

  async #pluginProducer(plugin: string, options: PluginProducerOptions): Promise<Producer> {
    if (this.state === 'shut down') this.#life.requireRunning();
    const { internal = false, group, ...rest } = options;
    if (group === undefined && !internal) {
      throw rocketMQError('RMQ_OPTIONS_INVALID', `Plugin ${plugin}: a producer that is not internal needs a group`, {
        option: 'group',
      });
    }
    const producer = await this.#parts.createProducer({ ...rest, group: group ?? internalGroup(plugin) }, internal);
    return this.#keep(internal ? this.#internal : this.#open, producer);
  }

  async #keepConsumer<C extends OpenPart & Pick<Consumer, 'health'>>(made: C): Promise<C> {
    const consumer = await this.#keep(this.#open, made);
    // One that its signal has closed meanwhile was forgotten before it came.
    if (consumer.state === 'running') this.#consumers.set(consumer, consumer);
    return consumer;
  }

  #forget(closed: OpenPart): void {
    this.#open.remove(closed);
    this.#consumers.delete(closed);
  }

  /** What took longer to be made than the client lived is closed again. */
  async #keep<P extends OpenPart>(parts: OpenParts, made: P): Promise<P> {
    if (this.state !== 'shut down') return parts.add(made);
    await made.close();
    this.#life.requireRunning();
    return made;
  }
}

/** Groups are made of fewer characters than plugin names. */
function internalGroup(plugin: string): string {
  return `CLIENT_INNER_PRODUCER_${plugin.replace(/[^a-zA-Z0-9_-]/g, '_')}`;
}
