import { popRetryTopicOf, popRetryTopicV2Of, RETRY_TOPIC_PREFIX } from '../../message/system-topics.js';

/** From where a popped message came: its topic, or the topic in which its broker keeps what comes again, of either name. */
export type PopOrigin = '0' | '1' | '2';

/**
 * What a broker wants to see when something is said of a message that it gave out: the receipt of one pop. Each prolongation
 * makes another. Matches Apache's ExtraInfoUtil (protocol §2.13):
 *
 * ```
 * startOffset SP popTime SP invisibleTime SP reviveQueueId SP origin SP brokerName SP queueId SP queueOffset
 * ```
 */
export interface Receipt {
  /** The first offset that the same pop brought of the queue. */
  readonly startOffset: number;
  /** Milliseconds since 1970, by the broker's clock. */
  readonly popTime: number;
  readonly invisibleTimeMs: number;
  readonly reviveQueueId: number;
  readonly origin: PopOrigin;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

export function formatReceipt(receipt: Receipt): string {
  const { startOffset, popTime, invisibleTimeMs, reviveQueueId, origin, brokerName, queueId, queueOffset } = receipt;
  return `${startOffset} ${popTime} ${invisibleTimeMs} ${reviveQueueId} ${origin} ${brokerName} ${queueId} ${queueOffset}`;
}

/** Undefined for what is no receipt. `queueOffset` stands in for one that an old broker left out. */
export function parseReceipt(text: string, queueOffset: number): Receipt | undefined {
  const [start = '', popTime, invisibleTimeMs, reviveQueueId, origin, brokerName, queueId, offset] = text.split(' ');
  const numbers = [start || 'none', popTime, invisibleTimeMs, reviveQueueId, queueId, offset ?? queueOffset].map(
    Number,
  );
  if (brokerName === undefined || !isOrigin(origin) || !numbers.every(Number.isSafeInteger)) return undefined;
  return {
    startOffset: numbers[0] as number,
    popTime: numbers[1] as number,
    invisibleTimeMs: numbers[2] as number,
    reviveQueueId: numbers[3] as number,
    origin,
    brokerName,
    queueId: numbers[4] as number,
    queueOffset: numbers[5] as number,
  };
}

/** The topic in which a message lies, on the wire. */
export function realTopic(topic: string, group: string, origin: PopOrigin): string {
  if (origin === '0') return topic;
  return origin === '1' ? popRetryTopicOf(topic, group) : popRetryTopicV2Of(topic, group);
}

/** From where the records of a topic come. */
export function originOf(recordTopic: string, group: string): PopOrigin {
  if (!recordTopic.startsWith(RETRY_TOPIC_PREFIX)) return '0';
  return recordTopic.startsWith(`${RETRY_TOPIC_PREFIX}${group}+`) ? '2' : '1';
}

function isOrigin(text: string | undefined): text is PopOrigin {
  return text === '0' || text === '1' || text === '2';
}
