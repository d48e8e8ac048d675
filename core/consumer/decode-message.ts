import type { Compressor } from '../message/compression/compressor.js';
import { decompressBody } from '../message/compression/decompress.js';
import type { ReceivedMessage } from '../message/message.js';
import { readRecord } from '../message/message-record.js';
import { toReceivedMessage } from '../message/received-message.js';
import { SysFlag } from '../message/sys-flag.js';
import type { ConsumedQueue } from './consumed-queue.js';
import type { PulledMessage } from './pulled-message.js';

/**
 * Reads a pulled record into the message that a handler gets, its body decompressed. By promise only where a large body
 * is decompressed. Bodies are views into the copy that the pull made.
 * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED, also by its promise
 */
export function decodeMessage(
  pulled: PulledMessage,
  consumed: ConsumedQueue,
  compressors: readonly Compressor[] | undefined,
  sizeBytesMax: number,
): ReceivedMessage | Promise<ReceivedMessage> {
  const record = readRecord(pulled.records, pulled.position);
  const { brokerName } = consumed.queue;
  const { topic } = consumed.subscription;
  if ((record.sysFlag & SysFlag.COMPRESSED) === 0 || record.body.length === 0) {
    return toReceivedMessage(record, brokerName, { topic, body: record.body });
  }
  const body = decompressBody(record.body, record.sysFlag, compressors, sizeBytesMax);
  return body instanceof Promise
    ? body.then((decompressed) => toReceivedMessage(record, brokerName, { topic, body: decompressed }))
    : toReceivedMessage(record, brokerName, { topic, body });
}
