import { rocketMQError } from '../errors/rocketmq-error.js';
import type { MessageQueue } from '../message/message.js';
import { recogniseRefusal } from '../remoting/peer-recognition.js';
import { FieldReader } from '../remoting/protocol/field-reader.js';
import type { RemotingCommand } from '../remoting/protocol/remoting-command.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { SendResult, SendStatus } from './send-result.js';

/** The status that a response code stands for; undefined for an error. Matches Apache's MQClientAPIImpl.processSendResponse. */
export function sendStatusOf(code: number): SendStatus | undefined {
  switch (code) {
    case ResponseCode.SUCCESS:
      return 'SEND_OK';
    case ResponseCode.FLUSH_DISK_TIMEOUT:
      return 'FLUSH_DISK_TIMEOUT';
    case ResponseCode.SLAVE_NOT_AVAILABLE:
      return 'SLAVE_NOT_AVAILABLE';
    case ResponseCode.FLUSH_SLAVE_TIMEOUT:
      return 'FLUSH_SLAVE_TIMEOUT';
    default:
      return undefined;
  }
}

const fields = new FieldReader([
  'queueId',
  'msgId',
  'queueOffset',
  'transactionId',
  'MSG_REGION',
  'TRACE_ON',
  'recallHandle',
]);
const [QUEUE_ID, MSG_ID, QUEUE_OFFSET, TRANSACTION_ID, MSG_REGION, TRACE_ON, RECALL_HANDLE] = [0, 1, 2, 3, 4, 5, 6];

/** What a broker's answer to a send says of the stored message. @throws RMQ_BODY_INVALID when its fields cannot be read */
export function sendResultOf(
  response: RemotingCommand,
  status: SendStatus,
  msgId: string,
  queue: MessageQueue,
  attempts: number,
): SendResult {
  fields.open(response);
  const queueId = fields.requiredInt32(QUEUE_ID);
  return {
    status,
    msgId,
    offsetMsgId: fields.requiredText(MSG_ID),
    queue: queueId === queue.queueId ? queue : { ...queue, queueId },
    queueOffset: fields.requiredInt64(QUEUE_OFFSET),
    transactionId: fields.optionalText(TRANSACTION_ID),
    regionId: fields.optionalText(MSG_REGION) || 'DefaultRegion',
    traceOn: fields.optionalText(TRACE_ON) !== 'false',
    recallHandle: fields.optionalText(RECALL_HANDLE),
    attempts,
  };
}

/** What a oneway send has instead: its bytes are with the socket. */
export function handedOver(msgId: string, queue: MessageQueue): SendResult {
  return {
    status: 'HANDED_OVER',
    msgId,
    offsetMsgId: undefined,
    queue,
    queueOffset: undefined,
    transactionId: undefined,
    regionId: 'DefaultRegion',
    traceOn: true,
    recallHandle: undefined,
    attempts: 1,
  };
}

/** The error that a broker answered with. */
export function brokerError(response: RemotingCommand, broker: string, address: string, retryable: boolean) {
  const { code, remark } = response;
  const stranger = recogniseRefusal(response);
  const looks = stranger ? ` (it looks like ${stranger.what})` : '';
  const why = `${remark ?? 'it does not say why'}${looks}`;
  const message = `Broker ${broker} at ${address} refused the message with code ${code}: ${why}`;
  const fields = { responseCode: code, broker, address, ...(remark !== undefined && { remark }) };
  return rocketMQError('RMQ_BROKER_ERROR', message, fields, { retryable, ...(stranger && { hint: stranger.advice }) });
}
