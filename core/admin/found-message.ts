import { decompressBody } from '../message/compression/decompress.js';
import type { ReceivedMessage } from '../message/message.js';
import { readRecords, type StoredRecord } from '../message/message-record.js';
import { toReceivedMessage } from '../message/received-message.js';
import { isCompressed } from '../message/sys-flag.js';
import type { AdminServices } from './admin-services.js';

/**
 * The messages in a broker's answer, bodies decompressed, their topics as the application calls them.
 * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED
 */
export function readMessages(
  body: Buffer,
  brokerName: string,
  services: Pick<AdminServices, 'names' | 'compressors'>,
): Promise<ReceivedMessage[]> {
  // The bytes belong to the connection, and decompressing may take a turn.
  return Promise.all(readRecords(Buffer.from(body)).map((record) => toMessage(record, brokerName, services)));
}

async function toMessage(
  record: StoredRecord,
  brokerName: string,
  { names, compressors }: Pick<AdminServices, 'names' | 'compressors'>,
): Promise<ReceivedMessage> {
  const topic = names.topicFromWire(record.topic);
  const { body, sysFlag } = record;
  if (!isCompressed(sysFlag) || body.length === 0) return toReceivedMessage(record, brokerName, { topic });
  return toReceivedMessage(record, brokerName, { topic, body: await decompressBody(body, sysFlag, compressors) });
}
