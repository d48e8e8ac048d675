/** What a broker needs to find a timer that is to be taken back. */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** Milliseconds since 1970, as digits: in the second after which the message is delivered. */
  readonly timestamp: string;
  /** The message's `UNIQ_KEY`. */
  readonly messageId: string;
}

const VERSION = 'v1';
const SEPARATOR = ' ';

/** `v1 topic broker timestamp id` in base64 for URLs. Matches Apache's RecallMessageHandle. */
export function formatRecallHandle({ topic, brokerName, timestamp, messageId }: RecallHandle): string {
  const bytes = Buffer.from([VERSION, topic, brokerName, timestamp, messageId].join(SEPARATOR));
  // Java pads, Node does not.
  return bytes.toString('base64url').padEnd(Math.ceil(bytes.length / 3) * 4, '=');
}

/** Undefined for a text that is none. */
export function parseRecallHandle(handle: string): RecallHandle | undefined {
  if (!/^[\w-]+={0,2}$/.test(handle)) return undefined;
  const items = Buffer.from(handle, 'base64url').toString().split(SEPARATOR);
  const [version, topic, brokerName, timestamp, messageId] = items;
  if (version !== VERSION || topic === undefined || brokerName === undefined) return undefined;
  return timestamp === undefined || messageId === undefined ? undefined : { topic, brokerName, timestamp, messageId };
}
