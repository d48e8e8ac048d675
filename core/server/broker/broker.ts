import { inject, injectable, multiInject, optional } from 'inversify';
import { type ProcessorsOnDemand, processOnDemand } from '../../remoting/processors-on-demand.js';
import type { RemotingServer, ServerConnection } from '../../remoting/remoting-server.js';
import { Clock } from '../../runtime/clock.js';
import { Logger } from '../../runtime/logger.js';
import { Scheduler } from '../../runtime/scheduler.js';
import { BrokerProcessors } from './broker-processor.js';
import { BrokerService } from './broker-service.js';
import { notifyConsumerIdsChanged } from './clients/consumer-ids-notifier.js';
import { ConsumerRegistry } from './clients/consumer-registry.js';
import { ProducerRegistry } from './clients/producer-registry.js';
import { ConsumerOffsetManager } from './groups/consumer-offset-manager.js';
import { QueueLocks } from './groups/queue-locks.js';
import { SubscriptionGroupManager } from './groups/subscription-group-manager.js';
import { MessageStore } from './message-store.js';
import { HeldPulls } from './pull/held-pulls.js';
import { Registration } from './registration.js';
import { BrokerSettings } from './settings/broker-settings.js';
import { BrokerCounters } from './stats/broker-counters.js';
import { TopicConfigManager } from './topics/topic-config-manager.js';

const HOLD_SWEEP_PERIOD_MS = 5_000;
const CLIENT_SCAN_PERIOD_MS = 10_000;
const SAMPLE_PERIOD_MS = 1_000;
const RETRY_PERIOD_MS = 1_000;

/** The broker: its processors on a port, its tables from disk and back, its timers, and its place at the name servers. */
@injectable()
export class Broker {
  readonly #processors: ProcessorsOnDemand;
  readonly #services: readonly BrokerService[];
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #offsets: ConsumerOffsetManager;
  readonly #producers: ProducerRegistry;
  readonly #consumers: ConsumerRegistry;
  readonly #heldPulls: HeldPulls;
  readonly #queueLocks: QueueLocks;
  readonly #counters: BrokerCounters;
  readonly #registration: Registration;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #logger: Logger;
  readonly #servers: RemotingServer[] = [];
  #isLoaded = false;

  constructor(
    @inject(BrokerProcessors) processors: ProcessorsOnDemand,
    @multiInject(BrokerService) @optional() services: readonly BrokerService[] = [],
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(HeldPulls) heldPulls: HeldPulls,
    @inject(QueueLocks) queueLocks: QueueLocks,
    @inject(BrokerCounters) counters: BrokerCounters,
    @inject(Registration) registration: Registration,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#processors = processors;
    this.#services = services;
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#offsets = offsets;
    this.#producers = producers;
    this.#consumers = consumers;
    this.#heldPulls = heldPulls;
    this.#queueLocks = queueLocks;
    this.#counters = counters;
    this.#registration = registration;
    this.#clock = clock;
    this.#logger = logger;
    this.#scheduler = new Scheduler(clock, logger);
  }

  /** Reads the tables and connects the parts: once, before anything else. */
  async load(): Promise<void> {
    await Promise.all([this.#topics.load(), this.#groups.load(), this.#offsets.load()]);
    await Promise.all(this.#services.map((service) => service.load?.()));
    this.#topics.onChanged(() => this.#registration.changed());
    this.#consumers.onGroupChanged((groupName, members) => {
      const wanted = this.#groups.find(groupName)?.notifyConsumerIdsChangedEnable ?? true;
      if (wanted && this.#settings.notifyConsumerIdsChangedEnable) notifyConsumerIdsChanged(groupName, members);
    });
    this.#store.onArrival((topic, queueId, queueOffset, tagsCode) =>
      this.#heldPulls.arrived(topic, queueId, queueOffset, tagsCode),
    );
    this.#isLoaded = true;
  }

  /** Serves on the port from now on, beside others. @throws RMQ_ADDRESS_IN_USE, after which another port may be tried */
  async serve(server: RemotingServer): Promise<void> {
    processOnDemand(server, this.#processors);
    server.onTurnEnd(() => this.#store.flushTurn());
    server.onConnection((connection) => {
      connection.onClose(() => this.#forget(connection));
    });
    await server.listen();
    this.#servers.push(server);
  }

  /** Starts the timers, and resolves when the name servers know it, as far as they answer. */
  async register(): Promise<void> {
    this.#schedule();
    for (const service of this.#services) service.start?.();
    await this.#registration.registerAll();
  }

  /** Leaves the name servers, stops serving, and saves the tables. The store stays open. Never rejects. */
  async close(): Promise<void> {
    await this.#scheduler.close();
    if (this.#servers.length > 0) await this.#registration.unregister();
    await Promise.all(this.#servers.map((server) => server.close()));
    // After a start that could not read one of them the tables in memory are not what was saved.
    if (!this.#isLoaded) return;
    for (const service of this.#services.toReversed()) await this.#closeService(service);
    await Promise.all([this.#topics.flush(), this.#groups.flush(), this.#offsets.save()]);
  }

  /** Producer and consumer groups with members, and pulls that wait. */
  get statistics(): { readonly producerGroups: number; readonly consumerGroups: number; readonly heldPulls: number } {
    return {
      producerGroups: this.#producers.groups.length,
      consumerGroups: this.#consumers.groups.length,
      heldPulls: this.#heldPulls.size,
    };
  }

  /** One that fails must not keep the others from saving what they have. */
  async #closeService(service: BrokerService): Promise<void> {
    try {
      await service.close?.();
    } catch (error) {
      this.#logger.error('a part of the broker could not be stopped cleanly', { error });
    }
  }

  #forget(connection: ServerConnection): void {
    this.#heldPulls.removeConnection(connection);
    this.#producers.removeConnection(connection);
    this.#consumers.removeConnection(connection);
    for (const service of this.#services) service.forget?.(connection);
  }

  #schedule(): void {
    const { registerNameServerPeriod, flushConsumerOffsetInterval } = this.#settings;
    const every = (name: string, periodMs: number, run: () => unknown): void => {
      this.#scheduler.every(`broker: ${name}`, { periodMs }, run);
    };
    every('register', registerNameServerPeriod, () => this.#registration.registerAll());
    every('register where it is not known', RETRY_PERIOD_MS, () => this.#registration.registerMissing());
    every('save consumer offsets', flushConsumerOffsetInterval, () => this.#offsets.save());
    every('look at held pulls', HOLD_SWEEP_PERIOD_MS, () => this.#heldPulls.sweep(this.#clock.monotonic()));
    every('forget silent clients', CLIENT_SCAN_PERIOD_MS, () => {
      this.#producers.expire(this.#clock.monotonic());
      this.#consumers.expire(this.#clock.monotonic());
      this.#queueLocks.expire(this.#clock.monotonic());
    });
    every('count', SAMPLE_PERIOD_MS, () => this.#counters.sample());
  }
}
