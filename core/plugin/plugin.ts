import type { DeliveryAttachment } from '../consumer/delivery/delivery.js';
import type { DeliveryFilterAttachment } from '../consumer/delivery/delivery-filter.js';
import type { ReceivedMessage } from '../message/message.js';
import type { InterceptSend } from '../pipeline/attach.js';
import type { SettledListener } from '../pipeline/settled.js';
import type { ProducerOptions } from '../producer/options.js';
import type { Producer } from '../producer/producer.js';
import type { ReplyInterceptor } from '../producer/request-reply/reply-interceptor.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { CallbackHandler } from '../remoting/remoting-client.js';
import type { RequestInterceptor } from '../remoting/request-interceptor.js';
import type { ConsumerMember } from '../routing/membership.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Token } from '../runtime/token.js';
import type { EndTransactionContext } from './end-transaction.js';
import type { BindOptions, Part } from './part.js';
import type { ReadInterceptor } from './read-interceptor.js';

/**
 * Something that attaches to a client. A factory makes it: `connect({ plugins: [tracing(options)] })`. `mq.plugin(it)` is
 * what `setup` returned.
 */
export interface Plugin<Api = unknown> {
  /** Names it in order rules, `requires`, descriptions and errors; once per client. */
  readonly name: string;
  /** Plugins that have to be listed before this one. */
  readonly requires?: readonly string[];
  /** Called once per client, plugins in their order. Only here it can bind, intercept, handle and listen. */
  setup(host: PluginHost): Api | Promise<Api>;
}

/** A broker by its name in the routes, or any server by its address. */
export type RequestTarget =
  | {
      readonly brokerName: string;
      /** As the application writes it: its route is asked for once more when the broker is not known. */
      readonly topic?: string;
    }
  | { readonly address: string };

/** A producer of a plugin's own: the options of any, and whether plugins attach to it. */
export interface PluginProducerOptions extends Omit<ProducerOptions, 'group'> {
  /** Default for an internal producer: a name made of the plugin's. */
  readonly group?: string;
  /** Without any plugin on it: for what a plugin sends itself (a trace, a reply). Default false. */
  readonly internal?: boolean;
}

/** A group through which brokers know this client, as long as it is not left. */
export interface RegisteredGroup {
  /** Tells the brokers. Never rejects; twice is fine. */
  leave(): Promise<void>;
}

/** What a client offers to one plugin. */
export interface PluginHost {
  /** `ip@instanceName[@unitName]`. */
  readonly clientId: string;
  /** As `nameServers` or NAMESRV_ADDR list them; empty where servers come from a cluster or an address server. */
  readonly nameServers: readonly string[];
  /** Says the plugin's name with every line. */
  readonly logger: Logger;
  /** The client's time: a plugin that asks it for timers can be tested. */
  readonly clock: Clock;
  /** How long each step of a plugin may take (`pluginTimeoutMs`): `setup`, and what it does in `onStart`, `onStop`, `interceptRead`. */
  readonly stepTimeoutMs: number;

  /** Attaches to the gap before or after a stage of every producer's pipeline. Only during setup. */
  readonly interceptSend: InterceptSend;
  /** Attaches to every consumer's delivery. Only during setup. */
  interceptDelivery(
    attachment: Omit<DeliveryAttachment, 'plugin' | 'order'> & Pick<Partial<DeliveryAttachment>, 'order'>,
  ): void;
  /**
   * Says of each message whether a consumer gets it: one that is refused counts as done, and neither interceptors nor the
   * handler see it. Asked once per delivery, before batches are handed over. Only during setup.
   */
  filterDelivery(
    attachment: Omit<DeliveryFilterAttachment, 'plugin' | 'order'> & Pick<Partial<DeliveryFilterAttachment>, 'order'>,
  ): void;
  /**
   * Sees the reply to each `producer.request()` before its caller does, plugins in order of registration, and hands on this
   * one or another. What it throws fails that request under the plugin's name; its deadline goes on. Only during setup.
   */
  interceptReply(interceptor: ReplyInterceptor): void;
  /**
   * Sees each message that {@link readMessages} reads, for whichever plugin: what a broker sends along when it asks how a
   * transaction ended passes no consumer. In order of registration; what it throws, and one that takes longer than
   * `stepTimeoutMs`, fails the read under the plugin's name. Only during setup.
   */
  interceptRead(interceptor: ReadInterceptor): void;
  /**
   * Attaches to every request of this client: any number of `decorate`, in order of registration, then at most one `sign`,
   * which sees what all others did. Only during setup.
   * @throws RMQ_PLUGIN_CONFLICT for a second `sign`
   */
  interceptRequest(phase: 'decorate' | 'sign', interceptor: RequestInterceptor): void;
  /** Answers requests of a code that brokers send to this client. Only during setup. @throws RMQ_PLUGIN_CONFLICT for a code that is answered already */
  handle(requestCode: number, handler: CallbackHandler): void;
  /**
   * Puts another part under a token. What a part of the client throws or rejects with that is no error of ours, what it gives
   * that is not what its interface says, and a promise of it that does not end within `stepTimeoutMs`, is RMQ_PLUGIN_FAILED with
   * the name of this plugin. Only during setup.
   * @throws RMQ_PLUGIN_CONFLICT when another plugin binds that token too
   */
  bind<T>(token: Token<T>, part: Part<T>, options?: BindOptions): void;
  /** Hears once how each send of every producer ended. Only during setup. */
  onSettled(listener: SettledListener['listener']): void;
  /**
   * Hears of each transaction that this client ends, after its local branch and after a check, whichever plugin ends them.
   * Only during setup. What a listener throws is logged under its plugin's name.
   */
  onEndTransaction(listener: (context: EndTransactionContext) => void): void;
  /** Runs when everything is made, plugins in order. Only during setup. */
  onStart(work: () => unknown): void;
  /**
   * Runs when producers and consumers are closed, plugins in reverse order; also when a later step of `connect` failed. Only
   * during setup.
   */
  onStop(work: () => unknown): void;

  /**
   * The part under a token: the client's own or what a plugin bound in its place; undefined under a token that nobody bound.
   * A plugin with a replaceable part of its own makes a token for it, and takes this or its default. What belongs to one
   * producer (`SendStage`, `ProducerScope`) is not here. From `onStart` on.
   */
  resolve<T>(token: Token<T>): T | undefined;
  /** The plugin that has bound a part for the whole client, to name it where the part fails; undefined where none has. */
  boundBy(token: Token<unknown>): string | undefined;
  /** A request to a server; any response code is a value. From `onStart` on. Default time-out: the client's requestTimeoutMs. */
  invoke(
    target: RequestTarget,
    request: OutgoingCommand,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<RemotingCommand>;
  /** The same without an answer; resolves when the bytes are with the socket. From `onStart` on. */
  oneway(target: RequestTarget, request: OutgoingCommand, options?: { readonly timeoutMs?: number }): Promise<void>;
  /** Where the master of a broker is reached, as the routes of this client say now; undefined when none names it. From `onStart` on. */
  brokerAddress(brokerName: string): string | undefined;
  /**
   * Reads messages in the form in which brokers write them, one behind the other: what comes along with a question of a
   * broker, and with answers to look-ups. Bodies are decompressed, topics as the application names them, and plugins make of
   * them what they do ({@link interceptRead}). From `onStart` on.
   * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED, RMQ_PLUGIN_FAILED
   */
  readMessages(records: Buffer, brokerName: string): Promise<readonly ReceivedMessage[]>;
  /** Tells every listener of `onEndTransaction`: for a plugin that ends transactions, before each request that ends one. Never throws. */
  reportEndTransaction(context: EndTransactionContext): void;
  /** A producer of the plugin's own; closed with the client. From `onStart` on. */
  producer(options: PluginProducerOptions): Promise<Producer>;
  /**
   * Makes this client known to brokers as a member of a group (names as the application writes them), without a producer or
   * consumer. From `onStart` on. @throws RMQ_GROUP_DUPLICATE, RMQ_OPTIONS_INVALID (the group's name)
   */
  registerGroup(member: { readonly producer: string } | { readonly consumer: ConsumerMember }): RegisteredGroup;
}
