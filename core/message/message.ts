/** User and system properties of a message: names to values, both non-empty, neither with 0x01 or 0x02 in it. */
export type Properties = Readonly<Record<string, string>>;

/** A message as an application hands it to a producer. It is never changed. */
export interface OutgoingMessage {
  /** 1 to 127 of `%|a-zA-Z0-9_-`. */
  readonly topic: string;
  /** 1 byte to `maxMessageSize` (4 MiB). A string is sent as UTF-8. */
  readonly body: Uint8Array | string;
  /** One tag; consumers filter by it. */
  readonly tag?: string;
  /** Look-up keys; several are stored joined by a blank, so none may contain one. */
  readonly keys?: string | readonly string[];
  /** Properties of the application's own. Reserved names (protocol: MessageConst) are refused. */
  readonly properties?: Properties;
  /** A free 32-bit number, stored with the message. Default 0. */
  readonly flag?: number;
  /** Whether the broker answers only when the message is flushed or replicated as it is configured to. Default true. */
  readonly waitStored?: boolean;
  /**
   * Delivers it so much later: a whole number with `ms`, `s`, `m`, `h` or `d`. `1s 5s 10s 30s 1m` to `10m` by minutes,
   * `20m 30m 1h 2h` are the delay levels that every broker has; any other takes a broker from 5.0 on, which counts
   * seconds and allows three days. At most one of `delay`, `delayLevel` and `deliverAt`.
   */
  readonly delay?: string;
  /** The broker's own delay level, from 1; beyond its last it takes that. 0, the default, is none. */
  readonly delayLevel?: number;
  /** Delivers it at an instant (a number is milliseconds since 1970): brokers from 5.0 on. */
  readonly deliverAt?: Date | number;
  /**
   * Properties under names that RocketMQ itself uses, for those who build one of its features on sends: RECONSUME_TIME,
   * ORIGIN_MESSAGE_ID, TRAN_MSG, CORRELATION_ID ... Names that the message has a field for are refused.
   */
  readonly systemProperties?: Properties;
}

/** A message as it came from a broker. */
export interface ReceivedMessage<T = unknown> {
  /** As the application names it; of a message that came again, the topic it was sent to. */
  readonly topic: string;
  /** The broker it was read from. */
  readonly brokerName: string;
  /** Of that broker's queues of the topic, from 0. */
  readonly queueId: number;
  /** Position in the queue, from 0. */
  readonly queueOffset: number;
  /** The id its producer gave it (property UNIQ_KEY), else `offsetMsgId`. */
  readonly msgId: string;
  /** Where it lies: store host and commit-log offset in hexadecimal. */
  readonly offsetMsgId: string;
  /** Decompressed. */
  readonly body: Buffer;
  /** What subscriptions filter by; undefined without one. */
  readonly tag: string | undefined;
  /** Empty without any. */
  readonly keys: readonly string[];
  /** All properties as stored, system ones included; an object without a prototype. */
  readonly properties: Properties;
  /** The number that its sender gave it; 0 without one. */
  readonly flag: number;
  /** Bits of RocketMQ's own: compression, transactions, IPv6 hosts. */
  readonly sysFlag: number;
  /** Wall clock of the producer, milliseconds since 1970. */
  readonly bornTimestamp: number;
  /** `ip:port` that it was sent from. */
  readonly bornHost: string;
  /** Wall clock of the broker, milliseconds since 1970. */
  readonly storeTimestamp: number;
  /** `ip:port` of the broker that stored it. */
  readonly storeHost: string;
  /** How often consumption of it failed before. */
  readonly reconsumeTimes: number;
  /** Byte position in the broker's commit log. */
  readonly commitLogOffset: number;
  /** Of a committed transaction, where its half message lies in the commit log; of others usually 0. */
  readonly preparedTransactionOffset: number;
  /** Bytes of the record in the commit log. */
  readonly storeSize: number;
  /** The decoded body where the topic is typed; undefined otherwise. */
  readonly value: T;
}

/** A queue of a topic on a broker. */
export interface MessageQueue {
  readonly topic: string;
  readonly brokerName: string;
  /** From 0. */
  readonly queueId: number;
}
