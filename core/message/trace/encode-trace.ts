import {
  type AccessChannel,
  CONSUME_RETURN_TYPES,
  FIELD_SEPARATOR,
  RECORD_SEPARATOR,
  TRACED_MESSAGE_TYPES,
  TRANSACTION_STATE_NAMES,
  type TraceRecord,
  UNKNOWN_TEXT,
} from './trace-record.js';

/**
 * A record as trace messages carry it; their body is records one after another, in UTF-8. Fields are decimal numbers, `true`
 * or `false`, and text, with 0x01 between them and 0x02 behind the last:
 *
 * ```
 * Pub            · timestamp · region · group · topic · msgId · tag · keys · store host · body length · cost · kind · offsetMsgId · success
 * SubBefore      · timestamp · region · group · request · msgId · retries · keys
 * SubAfter       · request · msgId · cost · success · keys · return type · [ timestamp · group ]       [ ] not for CLOUD
 * EndTransaction · timestamp · region · group · topic · msgId · tag · keys · store host · kind · transaction · state · from check
 * Recall         · timestamp · region · group · topic · msgId · success
 * ```
 * Matches Apache's TraceDataEncoder (5.x).
 */
export function encodeTraceRecord(record: TraceRecord, accessChannel: AccessChannel = 'LOCAL'): string {
  const { type, msgId, regionId = UNKNOWN_TEXT, keys = UNKNOWN_TEXT } = record;
  switch (type) {
    case 'Pub': {
      const { timestamp, group, topic, tag = UNKNOWN_TEXT, storeHost = UNKNOWN_TEXT, success } = record;
      const { bodyLengthBytes, costMs, messageType = 'Normal_Msg', offsetMsgId = UNKNOWN_TEXT } = record;
      const message = `${topic}${F}${msgId}${F}${tag}${F}${keys}${F}${storeHost}${F}${bodyLengthBytes}`;
      const send = `${costMs}${F}${TRACED_MESSAGE_TYPES.indexOf(messageType)}${F}${offsetMsgId}${F}${success}`;
      return `${type}${F}${timestamp}${F}${regionId}${F}${group}${F}${message}${F}${send}${R}`;
    }
    case 'SubBefore': {
      const { timestamp, group, requestId, retryTimes } = record;
      const call = `${timestamp}${F}${regionId}${F}${group}${F}${requestId}`;
      return `${type}${F}${call}${F}${msgId}${F}${retryTimes}${F}${keys}${R}`;
    }
    case 'SubAfter': {
      const { timestamp = 0, group = UNKNOWN_TEXT, requestId, costMs, success, returnType = 'SUCCESS' } = record;
      const when = accessChannel === 'CLOUD' ? '' : `${timestamp}${F}${group}`;
      const end = `${costMs}${F}${success}${F}${keys}${F}${CONSUME_RETURN_TYPES.indexOf(returnType)}`;
      return `${type}${F}${requestId}${F}${msgId}${F}${end}${F}${when}${R}`;
    }
    case 'EndTransaction': {
      const { timestamp, group, topic, tag = UNKNOWN_TEXT, storeHost = UNKNOWN_TEXT } = record;
      const { transactionId = UNKNOWN_TEXT, transactionState, fromTransactionCheck } = record;
      const message = `${topic}${F}${msgId}${F}${tag}${F}${keys}${F}${storeHost}${F}${COMMIT_KIND}`;
      const end = `${transactionId}${F}${TRANSACTION_STATE_NAMES[transactionState]}${F}${fromTransactionCheck}`;
      return `${type}${F}${timestamp}${F}${regionId}${F}${group}${F}${message}${F}${end}${R}`;
    }
    case 'Recall': {
      const { timestamp, group, topic, success } = record;
      return `${type}${F}${timestamp}${F}${regionId}${F}${group}${F}${topic}${F}${msgId}${F}${success}${R}`;
    }
  }
}

const F = FIELD_SEPARATOR;
const R = RECORD_SEPARATOR;
const COMMIT_KIND = TRACED_MESSAGE_TYPES.indexOf('Trans_msg_Commit');

/** Under what a trace message has to be found for a record: its message's id, then the keys of the message. */
export function traceKeys({ msgId, keys }: TraceRecord): readonly string[] {
  if (keys === undefined) return [msgId];
  if (!keys.includes(' ')) return [msgId, keys];
  return [msgId, ...keys.split(' ').filter((key) => key !== '')];
}
