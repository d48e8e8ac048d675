import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { AppendStatus, MessageStore } from '../message-store.js';
import type { BrokerSettings } from '../settings/broker-settings.js';

const CODES: Readonly<Record<AppendStatus, number>> = {
  PUT_OK: ResponseCode.SUCCESS,
  FLUSH_DISK_TIMEOUT: ResponseCode.FLUSH_DISK_TIMEOUT,
  CREATE_MAPPED_FILE_FAILED: ResponseCode.SYSTEM_ERROR,
  MESSAGE_ILLEGAL: ResponseCode.MESSAGE_ILLEGAL,
  SERVICE_NOT_AVAILABLE: ResponseCode.SERVICE_NOT_AVAILABLE,
  UNKNOWN_ERROR: ResponseCode.SYSTEM_ERROR,
};

/** The code that answers an append. Matches handlePutMessageResult of Apache's SendMessageProcessor. */
export function appendResponseCode(status: AppendStatus): number {
  return CODES[status];
}

/** The words that go with a refused append. */
export function appendResponseRemark(
  status: AppendStatus,
  settings: BrokerSettings,
  store: MessageStore,
): string | undefined {
  switch (status) {
    case 'CREATE_MAPPED_FILE_FAILED':
      return 'create mapped file failed, server is busy or broken.';
    case 'MESSAGE_ILLEGAL':
      return (
        'the message is illegal, maybe msg body or properties length not matched. ' +
        `msg body length limit ${settings.maxMessageSize}B, msg properties length limit 32KB.`
      );
    case 'SERVICE_NOT_AVAILABLE': {
      const used = store.statistics.diskUsedRatio.toFixed(2);
      return (
        'service not available now. It may be caused by one of the following reasons: ' +
        `the broker's disk is full [CL: ${used} CQ: ${used} INDEX: ${used}], ` +
        'messages are put to the slave, message store has been shut down, etc.'
      );
    }
    case 'UNKNOWN_ERROR':
      return 'UNKNOWN_ERROR';
    default:
      return undefined;
  }
}
