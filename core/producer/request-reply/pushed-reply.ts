import type { Compressor } from '../../message/compression/compressor.js';
import { decompressBody } from '../../message/compression/decompress.js';
import type { ReceivedMessage } from '../../message/message.js';
import { decodeProperties } from '../../message/properties.js';
import { PropertyName } from '../../message/property-names.js';
import { splitKeys } from '../../message/received-message.js';
import { SysFlag } from '../../message/sys-flag.js';
import {
  optionalInt32,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../remoting/protocol/remoting-command.js';

/** What a pushed reply says that its bytes do not. */
export interface PushedReplyParts {
  /** As the application names it. */
  readonly topicFromWire: (topic: string) => string;
  readonly brokerName: string;
  /** Wall clock at its arrival, milliseconds since 1970. */
  readonly arrivedAt: number;
  readonly compressors: readonly Compressor[];
}

/**
 * The reply in a PUSH_REPLY_MESSAGE_TO_CLIENT request, its body decompressed. It was not read from a queue: offsets and
 * size are 0. Matches receiveReplyMessage of Apache's ClientRemotingProcessor.
 * @throws RMQ_BODY_INVALID, RMQ_CODEC_MISSING, RMQ_DECOMPRESS_FAILED by its promise
 */
export async function readPushedReply(request: RemotingCommand, parts: PushedReplyParts): Promise<ReceivedMessage> {
  const sysFlag = requiredInt32(request, 'sysFlag');
  const properties = decodeProperties(optionalString(request, 'properties') ?? '');
  const compressed = (sysFlag & SysFlag.COMPRESSED) !== 0 && request.body.length > 0;
  // Bytes that came are a view of what the connection read.
  const body = compressed
    ? await decompressBody(Buffer.from(request.body), sysFlag, parts.compressors)
    : Buffer.from(request.body);
  return {
    topic: parts.topicFromWire(requiredString(request, 'topic')),
    brokerName: parts.brokerName,
    queueId: requiredInt32(request, 'queueId'),
    queueOffset: 0,
    msgId: properties[PropertyName.UNIQ_KEY] ?? '',
    offsetMsgId: '',
    body,
    tag: properties[PropertyName.TAGS],
    keys: splitKeys(properties[PropertyName.KEYS]),
    properties: Object.assign(properties, { [PropertyName.ARRIVE_TIME]: String(parts.arrivedAt) }),
    flag: requiredInt32(request, 'flag'),
    sysFlag: compressed ? sysFlag & ~SysFlag.COMPRESSED : sysFlag,
    bornTimestamp: requiredInt64(request, 'bornTimestamp'),
    bornHost: requiredString(request, 'bornHost'),
    storeTimestamp: requiredInt64(request, 'storeTimestamp'),
    storeHost: requiredString(request, 'storeHost'),
    reconsumeTimes: optionalInt32(request, 'reconsumeTimes') ?? 0,
    commitLogOffset: 0,
    preparedTransactionOffset: 0,
    storeSize: 0,
    value: undefined,
  };
}
