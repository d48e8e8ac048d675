import 'reflect-metadata';
import { Container } from 'inversify';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { Compressor } from '../../core/message/compression/compressor.js';
import { zlibCompressor } from '../../core/message/compression/zlib.js';
import { TIMER_BROKER_VERSION } from '../../core/message/delay.js';
import type { MessageQueue } from '../../core/message/message.js';
import { createUniqueIdGenerator } from '../../core/message/message-ids.js';
import { plainResourceNames, ResourceNames } from '../../core/message/resource-names.js';
import { type AttachSpec, toAttachment } from '../../core/pipeline/attach.js';
import { FaultStrategy } from '../../core/pipeline/fault-strategy.js';
import type { SendAttachment } from '../../core/pipeline/interceptor.js';
import type { SendResult } from '../../core/pipeline/send-result.js';
import type { SettledListener } from '../../core/pipeline/settled.js';
import { sendStageBindings } from '../../core/pipeline/stages/index.js';
import { ProducerScope, type ResolveFromScope } from '../../core/pipeline/tokens.js';
import { createProducer } from '../../core/producer/create-producer.js';
import type { ProducerOptions } from '../../core/producer/options.js';
import { createReplyInbox, type ReplyInbox } from '../../core/producer/request-reply/reply-inbox.js';
import type { ReplyAttachment } from '../../core/producer/request-reply/reply-interceptor.js';
import type { StartableProducer } from '../../core/producer/startable-producer.js';
import type { OutgoingCommand, RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { type CallbackHandler, RemotingClient, type RequestObserver } from '../../core/remoting/remoting-client.js';
import { Membership } from '../../core/routing/membership.js';
import { RouteTable } from '../../core/routing/route-table.js';
import type { PublishInfo } from '../../core/routing/topic-route.js';
import { Clock } from '../../core/runtime/clock.js';
import { DeadlineHeap } from '../../core/runtime/deadline-heap.js';
import type { Logger } from '../../core/runtime/logger.js';
import type { Token } from '../../core/runtime/token.js';
import { type VirtualClock, virtualClock } from '../../core/testing/virtual-clock.js';

/** A request as the scripted broker sees it. */
export interface SeenRequest {
  readonly address: string;
  readonly ext: Readonly<Record<string, unknown>>;
  readonly code: number;
  readonly body: Buffer;
  readonly timeoutMs: number;
  readonly oneway: boolean;
  cancelled: boolean;
  answered: boolean;
  /** Answers SUCCESS, or whatever code is given. */
  answer(code?: number, ext?: Record<string, string>, remark?: string): void;
  fail(code: 'RMQ_CONNECT_FAILED' | 'RMQ_CONNECTION_LOST' | 'RMQ_REQUEST_TIMEOUT'): void;
}

/** What the scripted broker does with each request when it comes; the default answers SUCCESS in the next microtask. */
export type Script = (request: SeenRequest) => void;

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

export interface KitOptions {
  readonly options?: Partial<ProducerOptions>;
  readonly plugins?: readonly (AttachSpec & { readonly plugin: string })[];
  readonly settledListeners?: readonly SettledListener[];
  readonly replyAttachments?: readonly ReplyAttachment[];
  /** Broker names, each with `queuesPerBroker` queues. Default broker-a and broker-b with 2. */
  readonly brokers?: readonly string[];
  readonly queuesPerBroker?: number;
  readonly script?: Script;
  readonly names?: ResourceNames;
  readonly internal?: boolean;
  /** Topics whose route has to be loaded first. */
  readonly slowTopics?: readonly string[];
  readonly bind?: (container: Container) => void;
  readonly random?: () => number;
  /** Left created when false. */
  readonly start?: boolean;
}

export interface PipelineKit {
  readonly producer: StartableProducer;
  readonly clock: VirtualClock;
  readonly deadlines: DeadlineHeap;
  readonly requests: SeenRequest[];
  readonly log: LogLine[];
  readonly faults: { broker: string; elapsedMs: number; failure: string | undefined }[];
  /** What the client answers when a broker asks it, by request code. */
  readonly callbacks: ReadonlyMap<number, CallbackHandler>;
  readonly replies: ReplyInbox;
  readonly routeLoads: { topic: string; done(info?: PublishInfo | Error): void }[];
  readonly addressLoads: { broker: string; done(address: string | Error): void }[];
  readonly unavailable: Set<string>;
  readonly membership: { joined: string[]; left: string[]; heartbeats: number };
  /** What brokers say of their version: at once when `known`, else when they are asked. Others are of version 407. */
  readonly versions: Map<string, { readonly version: number | Error; readonly known: boolean }>;
  /** Brokers whose address the route does not name. */
  readonly withoutAddress: Set<string>;
  publishInfo(topic: string): PublishInfo;
  setQueues(topic: string, queues: readonly MessageQueue[]): void;
}

export const answerAtOnce: Script = (request) => queueMicrotask(() => request.answer());
export const answerNothing: Script = () => {};

/** A producer whose stages come from a real container, on a scripted broker and a clock that stands still. */
export async function pipelineKit(kit: KitOptions = {}): Promise<PipelineKit> {
  const clock = virtualClock();
  const deadlines = new DeadlineHeap(clock);
  const log: LogLine[] = [];
  const logger = recordingLogger(log);
  const faults: { broker: string; elapsedMs: number; failure: string | undefined }[] = [];
  const unavailable = new Set<string>();
  const withoutAddress = new Set<string>();
  const names = kit.names ?? plainResourceNames;
  const brokers = kit.brokers ?? ['broker-a', 'broker-b'];
  const infos = new Map<string, PublishInfo>();
  const slow = new Set(kit.slowTopics ?? []);
  const routeLoads: { topic: string; done(info?: PublishInfo | Error): void }[] = [];
  const addressLoads: { broker: string; done(address: string | Error): void }[] = [];
  const membership = { joined: [] as string[], left: [] as string[], heartbeats: 0 };

  const publishInfo = (topic: string): PublishInfo => {
    let info = infos.get(topic);
    if (info === undefined) {
      const queues = brokers.flatMap((brokerName) =>
        Array.from({ length: kit.queuesPerBroker ?? 2 }, (_, queueId) => ({ topic, brokerName, queueId })),
      );
      info = { topic, queues, order: false, autoCreate: false };
      infos.set(topic, info);
    }
    return info;
  };
  const routes: RouteTable = {
    publishInfo: (topic) => (slow.has(topic) ? undefined : publishInfo(topic)),
    loadPublishInfo: (topic) => {
      if (!slow.has(topic)) return Promise.resolve(publishInfo(topic));
      const waiting = routeLoads.find((load) => load.topic === topic) as { promise?: Promise<PublishInfo> } | undefined;
      if (waiting?.promise !== undefined) return waiting.promise;
      const { promise, resolve, reject } = deferred<PublishInfo>();
      const done = (info: PublishInfo | Error = publishInfo(topic)): void => {
        slow.delete(topic);
        if (info instanceof Error) reject(info);
        else resolve(info);
      };
      routeLoads.push({ topic, done, promise } as (typeof routeLoads)[number]);
      return promise;
    },
    subscribeQueues: () => undefined,
    loadSubscribeQueues: () => Promise.resolve([]),
    brokerAddress: (name) => (withoutAddress.has(name) ? undefined : `${name}:10911`),
    loadBrokerAddress: (broker) => {
      const { promise, resolve, reject } = deferred<string>();
      addressLoads.push({ broker, done: (address) => (address instanceof Error ? reject(address) : resolve(address)) });
      return promise;
    },
    topicAddresses: () => [],
    brokers: () => [],
    forget: (topic) => void infos.delete(topic),
    onChange: () => () => {},
  };
  const requests: SeenRequest[] = [];
  const callbacks = new Map<number, CallbackHandler>();
  const remoting = scriptedRemoting(requests, kit.script ?? answerAtOnce, callbacks);

  const versions = new Map<string, { readonly version: number | Error; readonly known: boolean }>();
  const versionOf = (broker: string) => versions.get(broker) ?? { version: 407, known: true };
  const member: Membership = {
    clientId: '127.0.0.1@test',
    joinProducer: (group) => {
      if (membership.joined.includes(group)) throw rocketMQError('RMQ_GROUP_DUPLICATE', group, { group });
      membership.joined.push(group);
    },
    joinConsumer: () => {},
    leave: (group) => {
      membership.left.push(group);
      return Promise.resolve();
    },
    brokerVersion: (broker) => {
      const { version, known } = versionOf(broker);
      return known ? (version as number) : undefined;
    },
    hasTimers: (broker) => {
      const { version, known } = versionOf(broker);
      return known ? (version as number) >= TIMER_BROKER_VERSION : undefined;
    },
    loadBrokerVersion: async (broker) => {
      const { version } = versionOf(broker);
      if (version instanceof Error) throw version;
      versions.set(broker, { version, known: true });
      return version;
    },
    heartbeat: () => {
      membership.heartbeats++;
      return Promise.resolve();
    },
  };

  const container = new Container();
  container.bind<Membership>(Membership).toConstantValue(member);
  container.bind(RouteTable).toConstantValue(routes);
  container.bind(RemotingClient).toConstantValue(remoting);
  container.bind(ResourceNames).toConstantValue(names);
  container.bind(Clock).toConstantValue(clock);
  container.bind(Compressor).toConstantValue(zlibCompressor);
  container.bind<FaultStrategy>(FaultStrategy).toConstantValue({
    record: (broker, elapsedMs, failure) => faults.push({ broker, elapsedMs, failure }),
    isAvailable: (broker) => !unavailable.has(broker),
  });
  for (const [stage, type] of sendStageBindings) container.bind(stage).to(type).inTransientScope();

  const replies = createReplyInbox({
    clientId: member.clientId,
    remoting,
    routes: {
      brokers: () => brokers.map((brokerName) => ({ brokerName, brokerId: 0, address: `${brokerName}:10911` })),
    },
    names,
    clock,
    logger,
    compressors: [zlibCompressor],
  });
  const attachments: SendAttachment[] = (kit.plugins ?? []).map(({ plugin, ...spec }) => toAttachment(plugin, spec));
  const producer = createProducer(
    { group: 'test-group', ...kit.options },
    {
      routes,
      remoting,
      membership: member,
      clock,
      logger,
      deadlines,
      names,
      ids: createUniqueIdGenerator(clock),
      replies,
      random: kit.random ?? (() => 0),
      internal: kit.internal ?? false,
      attachments,
      settledListeners: kit.settledListeners ?? [],
      replyAttachments: kit.replyAttachments ?? [],
      openScope: (scope): ResolveFromScope => {
        const child = new Container({ parent: container });
        child.bind(ProducerScope).toConstantValue(scope);
        // Stages are made by the child, so that they see its scope.
        for (const [stage, type] of sendStageBindings) child.bind(stage).to(type).inTransientScope();
        kit.bind?.(child);
        return <T>(part: Token<T>): T => child.get<T>(part);
      },
    },
  );
  if (kit.start !== false) await producer.start();
  return {
    producer,
    clock,
    deadlines,
    requests,
    log,
    faults,
    callbacks,
    replies,
    routeLoads,
    addressLoads,
    unavailable,
    membership,
    versions,
    withoutAddress,
    publishInfo,
    setQueues: (topic, queues) => infos.set(topic, { topic, queues, order: false, autoCreate: false }),
  };
}

/** A message that is legal. */
export const hello = { topic: 'orders', body: 'hello' } as const;

/** The rejection of a promise; fails when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error(`expected a rejection, it resolved with ${JSON.stringify(outcome.value)}`);
  return outcome.error as Error & Record<string, unknown>;
}

function scriptedRemoting(
  requests: SeenRequest[],
  script: Script,
  callbacks: Map<number, CallbackHandler>,
): RemotingClient {
  return {
    start(address, request, options, observer) {
      const seen = seenRequest(address, request, options, observer);
      requests.push(seen);
      script(seen);
      return {
        get sent() {
          return 'maybe' as const;
        },
        cancel() {
          seen.cancelled = true;
          return 'maybe' as const;
        },
      };
    },
    invoke: () => Promise.reject(new Error('a producer starts its requests')),
    oneway: () => Promise.reject(new Error('a producer starts its requests')),
    handle: (code, handler) => void callbacks.set(code, handler),
    onConnectionLost: () => () => {},
    isConnected: () => true,
    retainAddresses: () => {},
    statistics: { lateResponses: 0, inFlight: 0 },
    close: () => Promise.resolve(),
  } as RemotingClient;
}

function seenRequest(
  address: string,
  request: OutgoingCommand,
  options: { readonly timeoutMs: number; readonly oneway?: boolean },
  observer: RequestObserver,
): SeenRequest {
  const ext = request.ext as Readonly<Record<string, unknown>>;
  const end = (tell: () => void): void => {
    if (seen.answered || seen.cancelled) return;
    seen.answered = true;
    tell();
  };
  const seen: SeenRequest = {
    address,
    ext,
    code: request.code,
    body: Buffer.from(request.body!),
    timeoutMs: options.timeoutMs,
    oneway: options.oneway ?? false,
    cancelled: false,
    answered: false,
    answer: (code = 0, extra = {}, remark) =>
      end(() => observer.onResponse(seen.oneway ? undefined : response(code, { ...okFields(ext), ...extra }, remark))),
    fail: (code) => end(() => observer.onFailure(failure(code, address))),
  };
  return seen;
}

function failure(code: 'RMQ_CONNECT_FAILED' | 'RMQ_CONNECTION_LOST' | 'RMQ_REQUEST_TIMEOUT', address: string) {
  if (code === 'RMQ_CONNECT_FAILED') return rocketMQError(code, `no connection to ${address}`, { address });
  if (code === 'RMQ_CONNECTION_LOST') return rocketMQError(code, `lost ${address}`, { address, sent: 'maybe' });
  return rocketMQError(code, `${address} is slow`, { address, timeoutMs: 1, sent: 'maybe' });
}

function okFields(ext: Readonly<Record<string, unknown>>): Record<string, string> {
  return { msgId: '0A0000010000277D0000000000000040', queueId: String(ext.e), queueOffset: '7' };
}

function response(code: number, ext: Record<string, string>, remark?: string): RemotingCommand {
  return {
    code,
    language: 0,
    version: 407,
    opaque: 1,
    flag: 1,
    remark,
    ext: Object.assign(Object.create(null), ext),
    body: Buffer.alloc(0),
    serializeType: 0,
  };
}

function recordingLogger(log: LogLine[]): Logger {
  const at = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    log.push({ level, message, fields });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** What an interceptor answers with by itself. */
export function madeUp(msgId: string): SendResult {
  return { status: 'SEND_OK', msgId, queue: { topic: 'orders', brokerName: 'broker-a', queueId: 0 } } as SendResult;
}
