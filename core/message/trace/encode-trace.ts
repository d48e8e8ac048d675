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
  return fieldsOf(record, accessChannel).join(FIELD_SEPARATOR) + RECORD_SEPARATOR;
}

function fieldsOf(record: TraceRecord, accessChannel: AccessChannel): readonly (string | number | boolean)[] {
  const { type, msgId, regionId = UNKNOWN_TEXT, keys = UNKNOWN_TEXT } = record;
  switch (record.type) {
    case 'Pub': {
      const { timestamp, group, topic, tag = UNKNOWN_TEXT, storeHost = UNKNOWN_TEXT } = record;
      const { bodyLengthBytes, costMs, messageType, offsetMsgId = UNKNOWN_TEXT, success } = record;
      const kind = TRACED_MESSAGE_TYPES.indexOf(messageType ?? 'Normal_Msg');
      const message = [topic, msgId, tag, keys, storeHost, bodyLengthBytes];
      return [type, timestamp, regionId, group, ...message, costMs, kind, offsetMsgId, success];
    }
    case 'SubBefore': {
      const { timestamp, group, requestId, retryTimes } = record;
      return [type, timestamp, regionId, group, requestId, msgId, retryTimes, keys];
    }
    case 'SubAfter': {
      const { timestamp = 0, group = UNKNOWN_TEXT, requestId, costMs, success, returnType = 'SUCCESS' } = record;
      const call = [type, requestId, msgId, costMs, success, keys, CONSUME_RETURN_TYPES.indexOf(returnType)];
      return accessChannel === 'CLOUD' ? [...call, ''] : [...call, timestamp, group];
    }
    case 'EndTransaction': {
      const { timestamp, group, topic, tag = UNKNOWN_TEXT, storeHost = UNKNOWN_TEXT } = record;
      const { transactionId = UNKNOWN_TEXT, transactionState, fromTransactionCheck } = record;
      const kind = TRACED_MESSAGE_TYPES.indexOf('Trans_msg_Commit');
      const end = [kind, transactionId, TRANSACTION_STATE_NAMES[transactionState], fromTransactionCheck];
      return [type, timestamp, regionId, group, topic, msgId, tag, keys, storeHost, ...end];
    }
    case 'Recall': {
      const { timestamp, group, topic, success } = record;
      return [type, timestamp, regionId, group, topic, msgId, success];
    }
  }
}

/** Under what a trace message has to be found for a record: its message's id, then the keys of the message. */
export function traceKeys({ msgId, keys }: TraceRecord): readonly string[] {
  return keys === undefined ? [msgId] : [msgId, ...keys.split(' ').filter((key) => key !== '')];
}
