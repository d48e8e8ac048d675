import type { Compressor } from './compression/compressor.js';
import { decompressBody } from './compression/decompress.js';
import type { ReceivedMessage } from './message.js';
import { readRecords, type StoredRecord } from './message-record.js';
import { toReceivedMessage } from './received-message.js';
import type { ResourceNames } from './resource-names.js';
import { SysFlag } from './sys-flag.js';

/** How records are read that a broker sent outside of a pull. */
export interface MessageReading {
  /** Empty where the broker did not say its name. */
  readonly brokerName: string;
  readonly names: Pick<ResourceNames, 'topicFromWire'>;
  readonly compressors: readonly Compressor[];
}

/**
 * Messages in the form that brokers write them, one behind the other, bodies decompressed, topics as the application names
 * them: answers to look-ups, and what a broker sends along with a question of its own.
 * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED by its promise
 */
export async function readMessages(records: Buffer, reading: MessageReading): Promise<readonly ReceivedMessage[]> {
  return Promise.all(readRecords(records).map((record) => readMessage(record, reading)));
}

async function readMessage(
  record: StoredRecord,
  { brokerName, names, compressors }: MessageReading,
): Promise<ReceivedMessage> {
  const topic = names.topicFromWire(record.topic);
  if ((record.sysFlag & SysFlag.COMPRESSED) === 0 || record.body.length === 0) {
    return toReceivedMessage(record, brokerName, { topic });
  }
  const body = await decompressBody(record.body, record.sysFlag, compressors);
  return toReceivedMessage(record, brokerName, { topic, body });
}
