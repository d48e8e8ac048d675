import { type AccessChannel, encodeTraceRecord, type TraceRecord, traceKeys } from '../../core/index.js';

/** What a trace message may hold. */
export interface PackLimits {
  /** Of the body. A single record that is larger goes alone. */
  readonly sizeBytesMax: number;
  /** Of the keys, joined by blanks. The keys of a record that has more are cut off; its id always stays. */
  readonly keysBytesMax: number;
}

/** A message for a trace topic. */
export interface TraceMessage {
  readonly topic: string;
  readonly body: string;
  readonly keys: readonly string[];
  /** How many it holds. */
  readonly records: number;
}

/**
 * Puts records into as few messages as their topics and the limits allow, in their order.
 * @param topicOf the topic for a record
 */
export function packTraces(
  records: readonly TraceRecord[],
  topicOf: (record: TraceRecord) => string,
  accessChannel: AccessChannel,
  limits: PackLimits,
): readonly TraceMessage[] {
  const packed: TraceMessage[] = [];
  const open = new Map<string, OpenMessage>();
  for (const record of records) {
    const topic = topicOf(record);
    const text = encodeTraceRecord(record, accessChannel);
    const sizeBytes = Buffer.byteLength(text);
    const given = traceKeys(record);
    const givenBytes = bytesOf(given);
    const fits = givenBytes <= limits.keysBytesMax;
    const keys = fits ? given : keysThatFit(given, limits.keysBytesMax);
    const keysBytes = fits ? givenBytes : bytesOf(keys);
    let message = open.get(topic);
    if (message !== undefined && !message.hasRoom(sizeBytes, keysBytes, limits)) {
      packed.push(message.close());
      message = undefined;
    }
    if (message === undefined) {
      message = new OpenMessage(topic);
      open.set(topic, message);
    }
    message.add(text, sizeBytes, keys, keysBytes);
  }
  for (const message of open.values()) packed.push(message.close());
  return packed;
}

class OpenMessage {
  readonly #topic: string;
  readonly #keys = new Set<string>();
  #body = '';
  #sizeBytes = 0;
  #keysBytes = 0;
  #records = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  hasRoom(sizeBytes: number, keysBytes: number, { sizeBytesMax, keysBytesMax }: PackLimits): boolean {
    return this.#sizeBytes + sizeBytes <= sizeBytesMax && this.#keysBytes + keysBytes <= keysBytesMax;
  }

  add(text: string, sizeBytes: number, keys: readonly string[], keysBytes: number): void {
    this.#body += text;
    this.#sizeBytes += sizeBytes;
    // A key that comes again counts again: that is cheaper to know, and errs on the safe side.
    this.#keysBytes += keysBytes;
    this.#records++;
    for (const key of keys) this.#keys.add(key);
  }

  close(): TraceMessage {
    return { topic: this.#topic, body: this.#body, keys: [...this.#keys], records: this.#records };
  }
}

function keysThatFit(keys: readonly string[], keysBytesMax: number): readonly string[] {
  const fitting: string[] = [];
  let sizeBytes = 0;
  for (const key of keys) {
    sizeBytes += bytesOfKey(key);
    if (sizeBytes > keysBytesMax && fitting.length > 0) break;
    fitting.push(key);
  }
  return fitting;
}

function bytesOf(keys: readonly string[]): number {
  let sum = 0;
  for (const key of keys) sum += bytesOfKey(key);
  return sum;
}

/** With the blank between it and the next. */
function bytesOfKey(key: string): number {
  return Buffer.byteLength(key) + 1;
}
