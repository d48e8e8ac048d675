import { rocketMQError } from '../errors/rocketmq-error.js';
import { TIMER_BROKER_VERSION, TIMERS_FIELD } from '../message/delay.js';
import type { ResourceNames } from '../message/resource-names.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { encodeHeartbeatData } from '../remoting/protocol/heartbeat-data.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { ConsumerMember, Membership } from '../routing/membership.js';
import { MASTER_ID } from '../routing/publish-info.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Clock, Timer } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { waitAtMost } from '../runtime/wait-at-most.js';

export interface ClientMembershipOptions {
  readonly clientId: string;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How groups are shown in errors. Default: as on the wire. */
  readonly names?: Pick<ResourceNames, 'groupFromWire'>;
  /** For one heartbeat or farewell to one broker. */
  readonly timeoutMs: number;
  /** The pause after which a broker that did not take a heartbeat is tried again at the latest. */
  readonly heartbeatIntervalMs: number;
}

/** First pause before a broker that lost its connection, or refused a heartbeat, is told again; it doubles. */
const GREETING_PAUSE_MS = 1000;
/** For a farewell when the client's time to close is over. */
const FAREWELL_MS_MIN = 200;

/**
 * The groups of this client and their heartbeats: at once when a group joins, when routes name a broker that has not heard
 * of us, and soon after a connection was lost; besides at every period. To masters only while there are no consumers.
 * Matches Apache's MQClientInstance.sendHeartbeatToAllBroker.
 */
export class ClientMembership implements Membership {
  readonly #options: ClientMembershipOptions;
  readonly #producers = new Set<string>();
  readonly #consumers = new Map<string, ConsumerMember>();
  /** Brokers that took our last heartbeat, with the version they answered with. */
  readonly #versions = new Map<string, number>();
  /** Brokers that said with that answer that they have timers. */
  readonly #timers = new Set<string>();
  /** Brokers that are asked for their version; whoever needs it meanwhile shares the answer. */
  readonly #asking = new Map<string, Promise<number>>();
  /** By broker: heartbeats that are on their way, maybe over a connection that is still being made. */
  readonly #telling = new Map<string, Set<Promise<unknown>>>();
  readonly #unsubscribe: readonly (() => void)[];
  #greeting: { readonly timer: Timer; readonly dueMs: number } | undefined;
  #round: Promise<void> | undefined;
  #closed = false;
  #farewellsUntilMs = Number.POSITIVE_INFINITY;

  constructor(options: ClientMembershipOptions) {
    this.#options = options;
    this.#unsubscribe = [
      options.routes.onChange(() => this.#greetIn(0, GREETING_PAUSE_MS)),
      options.remoting.onConnectionLost((address) => {
        if (this.#forget(address)) this.#greetIn(GREETING_PAUSE_MS, GREETING_PAUSE_MS);
      }),
    ];
  }

  get clientId(): string {
    return this.#options.clientId;
  }

  brokerVersion(brokerName: string): number | undefined {
    const address = this.#options.routes.brokerAddress(brokerName);
    return address === undefined ? undefined : this.#versions.get(address);
  }

  hasTimers(brokerName: string): boolean | undefined {
    const address = this.#options.routes.brokerAddress(brokerName);
    const version = address === undefined ? undefined : this.#versions.get(address);
    if (address === undefined || version === undefined) return undefined;
    return version >= TIMER_BROKER_VERSION || this.#timers.has(address);
  }

  async loadBrokerVersion(brokerName: string): Promise<number> {
    const address = this.#options.routes.brokerAddress(brokerName);
    if (address === undefined) {
      const message = `The broker ${brokerName} is in no route of this client`;
      throw rocketMQError('RMQ_BROKER_NOT_FOUND', message, { broker: brokerName });
    }
    const known = this.#versions.get(address);
    if (known !== undefined) return known;
    let asking = this.#asking.get(address);
    if (asking === undefined) {
      asking = this.#heartbeatTo(address, encodeHeartbeatData(this.#data())).finally(() =>
        this.#asking.delete(address),
      );
      this.#asking.set(address, asking);
    }
    return asking;
  }

  joinProducer(group: string): void {
    if (this.#producers.has(group)) throw this.#duplicate('producer', group);
    this.#producers.add(group);
    void this.heartbeat();
  }

  joinConsumer(member: ConsumerMember): void {
    if (this.#consumers.has(member.group)) throw this.#duplicate('consumer', member.group);
    this.#consumers.set(member.group, member);
    void this.heartbeat();
  }

  /** The client closes: farewells are waited for no longer than until then (monotonic), a moment each apart. */
  closeBy(deadlineMs: number): void {
    this.#farewellsUntilMs = deadlineMs;
  }

  async leave(group: string, kind: 'producer' | 'consumer'): Promise<void> {
    const left = kind === 'producer' ? this.#producers.delete(group) : this.#consumers.delete(group);
    if (!left) return;
    const groupField = kind === 'producer' ? { producerGroup: group } : { consumerGroup: group };
    const request = { code: RequestCode.UNREGISTER_CLIENT, ext: { clientID: this.clientId, ...groupField } };
    await Promise.all(
      this.#acquainted().map(async (address) => {
        try {
          await this.#heartbeatsEnded(address);
          const timeoutMs = this.#farewellMs();
          expectSuccess(await this.#options.remoting.invoke(address, request, { timeoutMs }), { address });
        } catch (error) {
          this.#options.logger.warn('a broker could not be told that a group left', { address, group, kind, error });
        }
      }),
    );
  }

  /** Brokers that are in no route any more are strangers when they come back: their connections are closed. */
  retain(keep: (address: string) => boolean): void {
    for (const address of [...this.#versions.keys()]) if (!keep(address)) this.#forget(address);
  }

  /** Every group that is left, for the end of the client. Never rejects. */
  async leaveAll(): Promise<void> {
    await Promise.all([
      ...[...this.#consumers.keys()].map((group) => this.leave(group, 'consumer')),
      ...[...this.#producers].map((group) => this.leave(group, 'producer')),
    ]);
  }

  /** Groups that join in one turn, and whoever asks besides, share one round. */
  heartbeat(): Promise<void> {
    this.#round ??= Promise.resolve().then(async () => {
      this.#round = undefined;
      await this.#tell(this.#addresses());
    });
    return this.#round;
  }

  /** No heartbeat goes out any more. */
  close(): void {
    this.#closed = true;
    this.#greeting?.timer.cancel();
    for (const stop of this.#unsubscribe) stop();
  }

  /** Brokers that know us, or are about to: one without a connection has forgotten this client when it was lost. */
  #acquainted(): readonly string[] {
    const known = new Set(this.#options.routes.brokers().map(({ address }) => address));
    return [...known].filter((address) => this.#telling.has(address) || this.#options.remoting.isConnected(address));
  }

  /**
   * Brokers work on requests side by side: behind a farewell, a heartbeat that was sent before it would bring the group back,
   * and behind the end of the connection Apache's count a member that is not there for two minutes.
   */
  async #heartbeatsEnded(address: string): Promise<void> {
    const ended = Promise.allSettled(this.#telling.get(address) ?? []).then(() => undefined);
    await waitAtMost(ended, this.#options.clock, { timeoutMs: this.#farewellMs(), signal: undefined });
  }

  #farewellMs(): number {
    const { clock, timeoutMs } = this.#options;
    return Math.min(timeoutMs, Math.max(FAREWELL_MS_MIN, this.#farewellsUntilMs - clock.monotonic()));
  }

  /** Tells whether the broker had taken our last heartbeat. */
  #forget(address: string): boolean {
    this.#timers.delete(address);
    return this.#versions.delete(address);
  }

  #addresses(): readonly string[] {
    const brokers = this.#options.routes.brokers();
    const chosen = this.#consumers.size > 0 ? brokers : brokers.filter(({ brokerId }) => brokerId === MASTER_ID);
    return [...new Set(chosen.map(({ address }) => address))];
  }

  /** Tells brokers that have not taken a heartbeat yet; once more after a pause that doubles while one of them refuses. */
  #greetIn(delayMs: number, pauseMs: number): void {
    const { clock } = this.#options;
    const dueMs = clock.monotonic() + delayMs;
    if (this.#closed || (this.#greeting !== undefined && this.#greeting.dueMs <= dueMs)) return;
    this.#greeting?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#greeting = undefined;
      void this.#greet(pauseMs);
    });
    this.#greeting = { timer, dueMs };
  }

  async #greet(pauseMs: number): Promise<void> {
    const strangers = this.#addresses().filter((address) => !this.#versions.has(address));
    const everybody = await this.#tell(strangers);
    const nextPauseMs = Math.min(pauseMs * 2, this.#options.heartbeatIntervalMs);
    if (!everybody) this.#greetIn(pauseMs, nextPauseMs);
  }

  /** One heartbeat to each; whether all took it. Failures are logged. */
  async #tell(addresses: readonly string[]): Promise<boolean> {
    if (this.#closed || addresses.length === 0) return true;
    if (this.#producers.size === 0 && this.#consumers.size === 0) return true;
    const body = this.#encoded();
    if (body === undefined) return true;
    const told = await Promise.all(addresses.map((address) => this.#tellOne(address, body)));
    return told.every((took) => took);
  }

  async #tellOne(address: string, body: Buffer): Promise<boolean> {
    try {
      await this.#heartbeatTo(address, body);
      return true;
    } catch (error) {
      this.#forget(address);
      this.#options.logger.warn('a broker did not take the heartbeat', { address, error });
      return false;
    }
  }

  /** The version that the broker answers with. */
  async #heartbeatTo(address: string, body: Buffer): Promise<number> {
    const { remoting, timeoutMs } = this.#options;
    const asking = remoting.invoke(address, { code: RequestCode.HEART_BEAT, body }, { timeoutMs });
    const telling = this.#telling.get(address) ?? new Set();
    this.#telling.set(address, telling.add(asking));
    const response = await asking.finally(() => {
      telling.delete(asking);
      if (telling.size === 0) this.#telling.delete(address);
    });
    expectSuccess(response, { address });
    this.#versions.set(address, response.version);
    if (response.ext[TIMERS_FIELD] === 'true') this.#timers.add(address);
    else this.#timers.delete(address);
    return response.version;
  }

  /** What a group says of itself comes from outside: when that fails the heartbeat is left out, and logged. */
  #encoded(): Buffer | undefined {
    try {
      return encodeHeartbeatData(this.#data());
    } catch (error) {
      this.#options.logger.error('a heartbeat could not be written', { error });
      return undefined;
    }
  }

  #data() {
    return {
      clientID: this.clientId,
      producerDataSet: [...this.#producers].map((groupName) => ({ groupName })),
      consumerDataSet: [...this.#consumers.values()].map((member) => ({
        groupName: member.group,
        consumeType: member.consumeType,
        messageModel: member.messageModel,
        consumeFromWhere: member.consumeFromWhere,
        unitMode: member.unitMode,
        subscriptionDataSet: member
          .subscriptions()
          .map((subscription) => ({ ...subscription, classFilterMode: false })),
      })),
    };
  }

  #duplicate(kind: string, wireGroup: string): Error {
    const group = this.#options.names?.groupFromWire(wireGroup) ?? wireGroup;
    return rocketMQError('RMQ_GROUP_DUPLICATE', `This client has a ${kind} of the group ${group} already`, { group });
  }
}
