import { MESSAGE_DELAY_LEVEL, parseDelayLevels } from '../../../message/delay-levels.js';
import { type Token, token } from '../../../runtime/token.js';

/**
 * What a broker is told once, when it is made. Names and defaults are Apache's (BrokerConfig, 4.9); times are milliseconds
 * where a name does not end in another unit.
 */
export interface BrokerSettings {
  /** Default `DefaultCluster`. */
  readonly clusterName: string;
  /** Default `broker-a`. */
  readonly brokerName: string;
  /** 0: a master. Slaves are not built. */
  readonly brokerId: 0;
  /** `host:port` that it registers under; known once it listens. */
  readonly address: string;
  /** `ip:port` that it stores with every message: `address` where that has an IP address. */
  readonly storeHost: string;
  /** What it registers as `haServerAddr`; no replica service listens there. */
  readonly haServerAddr: string;
  /** Name servers to register with, `host:port`; known once an embedded one listens. */
  readonly nameServers: readonly string[];
  /** Bits of Permission for the whole broker. Default 6, read and write. */
  readonly brokerPermission: number;
  /** Whether a send may create its topic. Default true. */
  readonly autoCreateTopicEnable: boolean;
  /** Whether use of an unknown consumer group creates it. Default true. */
  readonly autoCreateSubscriptionGroup: boolean;
  /** Queues of the template topic TBW102. Default 8. */
  readonly defaultTopicQueueNums: number;
  /** Largest body in bytes. Default 4,194,304. */
  readonly maxMessageSize: number;
  /** Default `DefaultRegion`. */
  readonly regionId: string;
  /** Whether a reply is stored in its topic beside being pushed to who waits for it. Default true. */
  readonly storeReplyMessageEnable: boolean;
  /** Whether answers ask clients to trace. Default true. */
  readonly traceOn: boolean;
  /** Topic that traces go to is made at start. Default false. */
  readonly traceTopicEnable: boolean;
  /** Whether sends for the cluster's and the broker's own topic may create topics from them. Default true. */
  readonly clusterTopicEnable: boolean;
  readonly brokerTopicEnable: boolean;
  /** Whether a pull that finds nothing is held for its own time; otherwise for `shortPollingTimeMills`. Default true. */
  readonly longPollingEnable: boolean;
  /** Default 1,000. */
  readonly shortPollingTimeMills: number;
  /** Whether lite pull consumers of 5.x may read (LITE_PULL_MESSAGE). Default true. */
  readonly litePullMessageEnable: boolean;
  /** Whether consumers may filter by properties (SQL92). Default true; Apache's is false. */
  readonly enablePropertyFilter: boolean;
  /** Pulls held at one time; as many pops, and as many who only ask whether there are messages. Default 20,000. */
  readonly heldPullsMax: number;
  /** Whether members of a group hear of changes. Default true. */
  readonly notifyConsumerIdsChangedEnable: boolean;
  /** Sends are refused before this moment, milliseconds since 1970. Default 0. */
  readonly startAcceptSendRequestTimeStamp: number;
  /** Whether messages of transactions are refused. Default false. */
  readonly rejectTransactionMessage: boolean;
  /** How often producers are asked about their open transactions. Default 60,000. */
  readonly transactionCheckInterval: number;
  /** How old a half message is before its producer is asked. Default 6,000. */
  readonly transactionTimeOut: number;
  /** How often a producer is asked about one before it is discarded. Default 15. */
  readonly transactionCheckMax: number;
  /** Default 30,000. */
  readonly registerNameServerPeriod: number;
  /** Default 6,000. */
  readonly registerBrokerTimeoutMills: number;
  /** Default 5,000. */
  readonly flushConsumerOffsetInterval: number;
  /** Delays of levels 1, 2, 3 … in milliseconds: what the store's `messageDelayLevel` says. */
  readonly delayLevelsMs: readonly number[];
  /** Whether messages may be timed to an instant (5.x). Default true. */
  readonly timerWheelEnable: boolean;
  /** How far away that may be. Default 259,200, three days. */
  readonly timerMaxDelaySec: number;
  /** Whether timers can be taken back (5.x). Default true; of Apache false. */
  readonly recallMessageEnable: boolean;
  /** How often the progress of delayed messages is noted, in milliseconds. Default 10,000. */
  readonly flushDelayOffsetInterval: number;
  /** Whether it reaches name servers by TLS. Default false. */
  readonly useTLS: boolean;
  /** The data directory, as the option says. */
  readonly storePathRootDir: string;
}

export const BrokerSettings: Token<BrokerSettings> = token('BrokerSettings');

/** What those that nobody sets are. */
export const BROKER_DEFAULTS = {
  clusterName: 'DefaultCluster',
  brokerName: 'broker-a',
  brokerId: 0,
  brokerPermission: 6,
  autoCreateTopicEnable: true,
  autoCreateSubscriptionGroup: true,
  defaultTopicQueueNums: 8,
  maxMessageSize: 4_194_304,
  regionId: 'DefaultRegion',
  storeReplyMessageEnable: true,
  traceOn: true,
  traceTopicEnable: false,
  clusterTopicEnable: true,
  brokerTopicEnable: true,
  longPollingEnable: true,
  shortPollingTimeMills: 1_000,
  litePullMessageEnable: true,
  enablePropertyFilter: true,
  heldPullsMax: 20_000,
  notifyConsumerIdsChangedEnable: true,
  startAcceptSendRequestTimeStamp: 0,
  rejectTransactionMessage: false,
  transactionCheckInterval: 60_000,
  transactionTimeOut: 6_000,
  transactionCheckMax: 15,
  registerNameServerPeriod: 30_000,
  registerBrokerTimeoutMills: 6_000,
  flushConsumerOffsetInterval: 5_000,
  delayLevelsMs: parseDelayLevels(MESSAGE_DELAY_LEVEL) ?? [],
  timerWheelEnable: true,
  timerMaxDelaySec: 259_200,
  recallMessageEnable: true,
  flushDelayOffsetInterval: 10_000,
  useTLS: false,
} as const;
