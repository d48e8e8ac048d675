import type { Client } from '../client/client.js';
import type { ClusterSource } from '../client/cluster-source.js';
import type { ConnectOptions } from '../client/connect-options.js';
import { connect } from '../container/connect.js';
import { rocketMQError } from '../errors/rocketmq-error.js';
import type { ReceivedMessage } from '../message/message.js';
import { validateTopic } from '../message/message-rules.js';
import { deadLetterTopicOf } from '../message/system-topics.js';
import type { TypedTopic } from '../message/typed-topic.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import { TopicConfigManager } from '../server/broker/topics/topic-config-manager.js';
import { type ConsumerProgress, consumerProgress } from './consumer-progress.js';
import { type DelayOptions, type DropOptions, type Fault, Faults, type RefuseOptions } from './faults.js';
import { type ResolvedKitOptions, resolveKitOptions, type TestKitOptions } from './kit-options.js';
import { KitServer } from './kit-server.js';
import type { RequestKind } from './request-kind.js';
import type { MessagesOptions } from './topic-contents.js';
import { type VirtualClock, virtualClock } from './virtual-clock.js';

/** Turns of the event loop in which nothing happens: between writing and reading of a socket there may be some. */
const QUIET_TURNS = { memory: 4, tcp: 20 } as const;

/** Of `connect`, without what the kit gives. */
export type KitConnectOptions = Omit<ConnectOptions, 'cluster' | 'nameServers' | 'addressServer'>;

/** A name server and a broker in memory, the time they live in, and what a test wants to see and to break. */
export interface TestKit {
  /** For `connect({ cluster: kit.cluster })`: such a client lives in the kit's time. */
  readonly cluster: ClusterSource;
  /** `host:port` for clients that take an address; with `transport: 'tcp'` any client reaches it. */
  readonly nameServers: string;
  /** The time of the server, and of every client that is connected through `cluster`. */
  readonly clock: VirtualClock;
  /** A client of `cluster` that `reset` and `close` close. @throws what `connect` throws */
  connect(options?: KitConnectOptions): Promise<Client>;
  /** Makes a topic now; the first send does so otherwise. Default 4 queues. @throws RMQ_MESSAGE_ILLEGAL, RMQ_OPTIONS_INVALID */
  createTopic(topic: string | TypedTopic<unknown, never>, options?: { readonly queues?: number }): Promise<void>;
  /**
   * What a topic holds, in the order in which it was stored; with `count` as soon as so many are there. Topics as they are on
   * the wire; a value is decoded by its typed topic, and is the body as text otherwise.
   * A wait goes on while the server is started anew.
   * @throws RMQ_KIT_TIMEOUT, RMQ_VALUE_INVALID, RMQ_NOT_RUNNING when the kit is closed
   */
  messages<T>(topic: TypedTopic<T, never>, options?: MessagesOptions): Promise<ReceivedMessage<T>[]>;
  messages(topic: string, options?: MessagesOptions): Promise<ReceivedMessage<string>[]>;
  /** What a consumer group gave up on: the messages of its dead-letter topic. */
  deadLetters(group: string, options?: MessagesOptions): Promise<ReceivedMessage<string>[]>;
  /** How far a group has come in each queue of which it committed an offset; consumers commit every 5 s and on close. */
  offsets(group: string, topic?: string): ConsumerProgress[];
  /** Cuts all connections, the broker's own to its name server too, or those of one client. Returns how many. */
  cut(client?: { readonly clientId: string }): number;
  /** Answers the next requests of a kind with a code instead of processing them. Default: one, SYSTEM_ERROR. */
  refuse(kind: RequestKind, options?: RefuseOptions): Fault;
  /** Holds back the answers to the next requests of a kind. Default: to one. */
  delay(kind: RequestKind, options: DelayOptions): Fault;
  /** Loses the answers to the next requests of a kind, or the requests themselves. Default: one answer. */
  drop(kind: RequestKind, options?: DropOptions): Fault;
  /** Ends all faults. */
  mend(): void;
  /** Stops the server and starts it again at the same address with all it holds. */
  restart(): Promise<void>;
  /**
   * Closes the kit's own clients, ends all faults and starts the server anew at the same address, with nothing in it. Time
   * goes on from where it is. Other clients see a broker that was restarted.
   */
  reset(): Promise<void>;
  /** Closes the kit's own clients and the server. A second call waits for the first. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a server in memory for tests.
 * @throws RMQ_OPTIONS_INVALID naming the option
 * @example
 * const kit = await testKit();
 * const mq = await kit.connect();
 * await shop(mq).order('42');
 * const [message] = await kit.messages('orders', { count: 1 });
 * await kit.close();
 */
export async function testKit(options: TestKitOptions = {}): Promise<TestKit> {
  const kit = new MemoryKit(resolveKitOptions(options, Date.now()));
  await kit.open();
  return kit;
}

const CREATE_TOPIC: OptionNames = { of: 'kit.createTopic', names: new Set(['queues']) };

class MemoryKit implements TestKit {
  readonly clock: VirtualClock;
  readonly cluster: ClusterSource;
  readonly #options: ResolvedKitOptions;
  readonly #faults: Faults;
  readonly #server: KitServer;
  readonly #clients = new Set<Client>();
  /** Ends when the server is started anew or closed: one such thing at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedKitOptions) {
    const { nowMs, transport } = options;
    this.#options = options;
    this.clock = virtualClock({ nowMs, quietTurns: QUIET_TURNS[transport] });
    this.#faults = new Faults(this.clock);
    this.#server = new KitServer(options, this.clock, this.#faults);
    this.cluster = {
      clock: this.clock,
      start: async ({ clientId }) => {
        await this.#turn;
        return {
          nameServers: this.nameServers,
          transport: this.#server.transport.for(clientId),
          // The server belongs to the kit: it stays when its last client leaves.
          release: async () => {},
        };
      },
    };
  }

  async open(): Promise<void> {
    if (this.#options.running) this.clock.start();
    await this.#server.open();
  }

  get nameServers(): string {
    return this.#server.server.nameServers;
  }

  async connect(options: KitConnectOptions = {}): Promise<Client> {
    const client = await connect({ ...options, cluster: this.cluster });
    this.#clients.add(client);
    return client;
  }

  async createTopic(
    topic: string | TypedTopic<unknown, never>,
    options: { readonly queues?: number } = {},
  ): Promise<void> {
    requireKnown(options, CREATE_TOPIC);
    const { queues = 4 } = options;
    if (!Number.isInteger(queues) || queues < 1 || queues > 65_536) {
      const words = `queues ${String(queues)}: expected a whole number from 1 to 65536`;
      throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'queues' });
    }
    const name = nameOf(topic);
    validateTopic(name);
    const topics = this.#server.server.part(TopicConfigManager);
    topics.createPlain(name, queues, 0);
    await topics.savingOf(name);
  }

  messages<T>(topic: string | TypedTopic<T, never>, options?: MessagesOptions): Promise<ReceivedMessage<never>[]> {
    return this.#server.contents.messages(topic, options) as Promise<ReceivedMessage<never>[]>;
  }

  deadLetters(group: string, options?: MessagesOptions): Promise<ReceivedMessage<string>[]> {
    return this.messages(deadLetterTopicOf(group), options);
  }

  offsets(group: string, topic?: string): ConsumerProgress[] {
    return consumerProgress(this.#server.server, group, topic);
  }

  cut(client?: { readonly clientId: string }): number {
    return this.#server.transport.cut(client && this.#server.addressesOf(client.clientId));
  }

  refuse(kind: RequestKind, options: RefuseOptions = {}): Fault {
    return this.#faults.refuse(kind, options);
  }

  delay(kind: RequestKind, options: DelayOptions): Fault {
    return this.#faults.delay(kind, options);
  }

  drop(kind: RequestKind, options: DropOptions = {}): Fault {
    return this.#faults.drop(kind, options);
  }

  mend(): void {
    this.#faults.clear();
  }

  async restart(): Promise<void> {
    this.#requireOpen();
    return this.#inTurn(async () => {
      await this.#server.close();
      await this.#server.open();
    });
  }

  async reset(): Promise<void> {
    this.#requireOpen();
    return this.#inTurn(async () => {
      await this.#end();
      this.#server.forget();
      await this.#server.open();
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#inTurn(() => this.#end()).finally(() => {
      this.#server.contents.end();
      this.clock.stop();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    if (this.#closing === undefined) return;
    throw rocketMQError('RMQ_NOT_RUNNING', 'the test kit is closed', { state: 'shut down' });
  }

  async #end(): Promise<void> {
    this.mend();
    const clients = [...this.#clients];
    this.#clients.clear();
    const timeoutMs = this.#options.closeTimeoutMs;
    const closed = await Promise.allSettled(clients.map((client) => client.close({ timeoutMs })));
    await this.#server.close();
    for (const result of closed) if (result.status === 'rejected') throw result.reason;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(() => this.#whileTimePasses(work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** What closes waits for handlers and answers within a time, which has to pass. */
  async #whileTimePasses(work: () => Promise<void>): Promise<void> {
    const wasRunning = this.clock.running;
    this.clock.start();
    try {
      await work();
    } finally {
      if (!wasRunning) this.clock.stop();
    }
  }
}

function nameOf(topic: string | TypedTopic<unknown, never>): string {
  return typeof topic === 'string' ? topic : topic.name;
}
