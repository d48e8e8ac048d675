import { inject, injectable } from 'inversify';
import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { SystemTopic } from '../../../message/system-topics.js';
import type { DataVersion } from '../../../remoting/protocol/data-version.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { Clock } from '../../../runtime/clock.js';
import { MessageStore, type RuntimeStoreSettings } from '../message-store.js';
import type { Refusal } from '../refusal.js';
import { BrokerCounters } from '../stats/broker-counters.js';
import { brokerHost } from './broker-host.js';
import { BrokerSettings } from './broker-settings.js';
import { nextVersion } from './data-version.js';
import { STORE_SETTING_READERS, shownStoreSettings } from './store-settings.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Read<T> = (text: string) => T | undefined;

const boolean: Read<boolean> = (text) => (text === 'true' || text === 'false' ? text === 'true' : undefined);

const between =
  (low: number, high: number): Read<number> =>
  (text) => {
    const value = Number(text);
    return text.trim() !== '' && Number.isInteger(value) && value >= low && value <= high ? value : undefined;
  };

const INT_MAX = 2_147_483_647;

/** What is looked up whenever it is needed, so that it can be another from one moment to the next. */
const OF_BROKER = {
  autoCreateSubscriptionGroup: boolean,
  autoCreateTopicEnable: boolean,
  brokerPermission: between(0, 7),
  enablePropertyFilter: boolean,
  litePullMessageEnable: boolean,
  longPollingEnable: boolean,
  notifyConsumerIdsChangedEnable: boolean,
  recallMessageEnable: boolean,
  registerBrokerTimeoutMills: between(1, INT_MAX),
  rejectTransactionMessage: boolean,
  shortPollingTimeMills: between(0, INT_MAX),
  startAcceptSendRequestTimeStamp: between(0, Number.MAX_SAFE_INTEGER),
  storeReplyMessageEnable: boolean,
  traceOn: boolean,
  transactionCheckMax: between(1, INT_MAX),
  transactionTimeOut: between(0, INT_MAX),
} as const satisfies Partial<{ [K in keyof BrokerSettings]: Read<BrokerSettings[K]> }>;

/**
 * The broker's settings as an operator sees them, under Apache's names, and those that can be changed while it runs. A change
 * lasts until the broker stops: the next start is told anew. Matches Apache's Configuration, which takes every name and
 * writes a file.
 */
@injectable()
export class RuntimeSettings {
  readonly #settings: Mutable<BrokerSettings>;
  readonly #store: MessageStore;
  readonly #clock: Clock;
  #version: DataVersion;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(BrokerCounters) { bootTimestamp }: BrokerCounters,
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#clock = clock;
    this.#version = { timestamp: bootTimestamp, counter: 0 };
  }

  /** Counts the changes. */
  get version(): DataVersion {
    return this.#version;
  }

  /** By name, as text. */
  get properties(): ReadonlyMap<string, string> {
    const {
      clusterName,
      address,
      haServerAddr,
      nameServers,
      heldPullsMax: _held,
      delayLevelsMs: _levels,
      storeHost,
      ...named
    } = this.#settings;
    const host = brokerHost(this.#settings);
    const values = {
      ...named,
      brokerClusterName: clusterName,
      brokerIP1: host,
      brokerIP2: host,
      listenPort: address.slice(address.lastIndexOf(':') + 1),
      haListenPort: haServerAddr.slice(haServerAddr.lastIndexOf(':') + 1),
      namesrvAddr: nameServers.join(';'),
      storeHost,
      brokerRole: 'ASYNC_MASTER',
      forceRegister: true,
      compressedRegister: false,
      msgTraceTopicName: SystemTopic.TRACE,
      // mqadmin's exportConfigs of 4.9 does not do without them.
      slaveReadEnable: false,
      filterServerNums: 0,
      ...shownStoreSettings(this.#store.settings),
    };
    return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
  }

  /** Takes all of the changes, or none and says why. What is as it should be already is no change. */
  change(changes: ReadonlyMap<string, string>): Refusal | undefined {
    const { properties } = this;
    const ofBroker: Record<string, unknown> = {};
    let ofStore: RuntimeStoreSettings = {};
    for (const [name, text] of changes) {
      if (properties.get(name) === text) continue;
      if (Object.hasOwn(OF_BROKER, name)) {
        const value = OF_BROKER[name as keyof typeof OF_BROKER](text);
        if (value === undefined) return refuse(`${name} cannot be ${text}`);
        ofBroker[name] = value;
      } else if (Object.hasOwn(STORE_SETTING_READERS, name)) {
        const setting = STORE_SETTING_READERS[name]?.(text);
        if (setting === undefined) return refuse(`${name} cannot be ${text}`);
        ofStore = { ...ofStore, ...setting };
      } else if (properties.has(name)) {
        const remark = `Can not update ${name} of a running broker, its start decides it`;
        return { code: ResponseCode.NO_PERMISSION, remark };
      } else return refuse(`there is no config ${name}`);
    }
    try {
      this.#store.change(ofStore);
    } catch (error) {
      if (!isRocketMQError(error, 'RMQ_OPTIONS_INVALID')) throw error;
      return refuse(error.message);
    }
    const { maxMessageSize = this.#settings.maxMessageSize } = ofStore;
    Object.assign(this.#settings, ofBroker, { maxMessageSize });
    this.#version = nextVersion(this.#version, this.#clock.now());
    return undefined;
  }
}

function refuse(remark: string): Refusal {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
