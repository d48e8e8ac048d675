import { onTestFinished } from 'vitest';
import { allocateAveragely } from '../../../core/consumer/allocation/averagely.js';
import type { Consumer, ConsumerServices } from '../../../core/consumer/consumer.js';
import { createConsumerRegistry } from '../../../core/consumer/consumer-registry.js';
import { createConsumer } from '../../../core/consumer/create-consumer.js';
import { createRemoteOffsetStoreFactory } from '../../../core/consumer/offsets/remote-offset-store.js';
import type { ConsumerOptions } from '../../../core/consumer/options/consumer-options.js';
import type { ConsumerEvent } from '../../../core/consumer/report/consumer-event.js';
import type { Subscribe } from '../../../core/consumer/subscription/subscribe.js';
import { type RocketMQError, rocketMQError } from '../../../core/errors/rocketmq-error.js';
import { plainResourceNames } from '../../../core/message/resource-names.js';
import type { OutgoingCommand, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { CallbackHandler, RemotingClient, RequestObserver } from '../../../core/remoting/remoting-client.js';
import type { ConsumerMember, Membership } from '../../../core/routing/membership.js';
import type { RouteTable } from '../../../core/routing/route-table.js';
import type { Clock } from '../../../core/runtime/clock.js';
import type { Logger } from '../../../core/runtime/logger.js';
import { Scheduler } from '../../../core/runtime/scheduler.js';
import { answerOf, type FakeBroker } from './fake-broker.js';

/** Everything that a consumer is built on, over one fake broker. */
export interface FakeClient {
  readonly clientId: string;
  readonly services: ConsumerServices;
  readonly log: { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }[];
  /** How many requests were taken back. */
  cancelled: number;
  /** A request of the broker, and what this client answers. */
  call(code: number, ext: Readonly<Record<string, string>>, body?: Buffer): Promise<OutgoingCommand | undefined>;
  changeRoute(topic: string): void;
  /** The connection to the broker is lost. */
  loseConnection(): void;
  consumer<S extends Subscribe>(options: ConsumerOptions<S>): Consumer<S>;
}

export function fakeClient(
  broker: FakeBroker,
  clock: Clock,
  { clientId = 'c1', services: replaced }: { clientId?: string; services?: Partial<ConsumerServices> } = {},
): FakeClient {
  const log: FakeClient['log'] = [];
  const entry =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void log.push({ level, message, fields });
  const logger: Logger = { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };
  const handlers = new Map<number, CallbackHandler>();
  const connection: FakeConnection = { listeners: new Set(), inFlight: new Set() };
  const remoting = fakeRemoting(
    broker,
    clientId,
    handlers,
    () => {
      client.cancelled++;
    },
    connection,
  );
  const listeners = new Set<(topic: string) => void>();
  const routes = fakeRoutes(broker, listeners);
  const members = new Map<string, ConsumerMember>();
  const notify = (group: string) => (): void => {
    const request = { ...answerOf(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED), ext: { consumerGroup: group } };
    void handlers.get(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)?.(request, broker.address);
  };
  const membership: Membership = {
    clientId,
    joinProducer: () => undefined,
    joinConsumer(member) {
      if (members.has(member.group)) {
        throw rocketMQError('RMQ_GROUP_DUPLICATE', `group ${member.group} is there`, { group: member.group });
      }
      members.set(member.group, member);
    },
    async leave(group) {
      members.delete(group);
      broker.leave(group, clientId);
    },
    brokerVersion: () => 407,
    hasTimers: () => false,
    loadBrokerVersion: async () => 407,
    async heartbeat() {
      for (const group of members.keys()) broker.join(group, clientId, notify(group));
    },
  };
  const scheduler = new Scheduler(clock, logger);
  onTestFinished(() => scheduler.close());
  const services: ConsumerServices = {
    routes,
    remoting,
    membership,
    clock,
    logger,
    names: plainResourceNames,
    scheduler,
    deliveryAttachments: [],
    offsetStore: createRemoteOffsetStoreFactory({ routes, remoting, logger }),
    allocateStrategy: allocateAveragely,
    registry: createConsumerRegistry(remoting, logger),
    replies: { send: () => Promise.reject(new Error('nobody replies here')) },
    random: () => 0,
    ...replaced,
  };
  const client: FakeClient = {
    clientId,
    services,
    log,
    cancelled: 0,
    call: async (code, ext, body = Buffer.alloc(0)) =>
      handlers.get(code)?.({ ...answerOf(code), ext, body }, broker.address),
    changeRoute: (topic) => {
      for (const listener of listeners) listener(topic);
    },
    loseConnection: () => {
      for (const fail of connection.inFlight) fail();
      for (const listener of connection.listeners) listener(broker.address);
    },
    consumer: (options) => {
      const consumer = createConsumer(options, services);
      onTestFinished(() => consumer.close({ timeoutMs: 0, signal: AbortSignal.abort() }));
      return consumer;
    },
  };
  return client;
}

/** Gathers a consumer's events from now on. */
export function eventsOf(consumer: Consumer): ConsumerEvent[] {
  const events: ConsumerEvent[] = [];
  const subscription = consumer.events$.subscribe((event) => events.push(event));
  onTestFinished(() => subscription.unsubscribe());
  return events;
}

/** Who hears that it is lost: listeners, and whoever waits for an answer. */
interface FakeConnection {
  readonly listeners: Set<(address: string) => void>;
  readonly inFlight: Set<() => void>;
}

function fakeRemoting(
  broker: FakeBroker,
  clientId: string,
  handlers: Map<number, CallbackHandler>,
  onCancel: () => void,
  connection: FakeConnection,
): RemotingClient {
  const start = (request: OutgoingCommand, observer: RequestObserver) => {
    let open = true;
    const end = (answer: RemotingCommand | RocketMQError): void => {
      queueMicrotask(() => {
        if (!open) return;
        open = false;
        connection.inFlight.delete(lose);
        if (answer instanceof Error) observer.onFailure(answer);
        else observer.onResponse(answer);
      });
    };
    const lose = (): void =>
      end(rocketMQError('RMQ_CONNECTION_LOST', 'cut', { address: broker.address, sent: 'maybe' }));
    connection.inFlight.add(lose);
    const ext = Object.fromEntries(Object.entries(request.ext ?? {}).map(([name, value]) => [name, String(value)]));
    broker.handle({ clientId, command: request, ext }, end);
    return {
      sent: 'maybe' as const,
      cancel: () => {
        if (open) onCancel();
        open = false;
        connection.inFlight.delete(lose);
        return 'maybe' as const;
      },
    };
  };
  return {
    start: (_address, request, _options, observer) => start(request, observer),
    invoke: (_address, request) =>
      new Promise((resolve, reject) => {
        start(request, { onResponse: (response) => resolve(response as RemotingCommand), onFailure: reject });
      }),
    oneway: async () => undefined,
    handle: (code, handler) => void handlers.set(code, handler),
    onConnectionLost(listener) {
      connection.listeners.add(listener);
      return () => void connection.listeners.delete(listener);
    },
    isConnected: () => true,
    retainAddresses: () => undefined,
    statistics: { lateResponses: 0, inFlight: 0 },
    close: async () => undefined,
  };
}

function fakeRoutes(broker: FakeBroker, listeners: Set<(topic: string) => void>): RouteTable {
  return {
    publishInfo: () => undefined,
    loadPublishInfo: () => Promise.reject(new Error('a consumer publishes nothing')),
    subscribeQueues: (topic) => broker.queuesOf(topic),
    async loadSubscribeQueues(topic) {
      const queues = broker.queuesOf(topic);
      if (queues === undefined) throw rocketMQError('RMQ_ROUTE_NOT_FOUND', `no topic ${topic}`, { topic });
      return queues;
    },
    brokerAddress: (name, brokerId = 0) => (name === broker.name && brokerId === 0 ? broker.address : undefined),
    loadBrokerAddress: async () => broker.address,
    topicAddresses: () => [broker.address],
    brokers: () => [{ brokerName: broker.name, brokerId: 0, address: broker.address }],
    forget() {},
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
