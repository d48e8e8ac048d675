import type { MessageQueue } from '../../message/message.js';
import { booleanMember, formatBody, listMember, parseBody, stringMember } from './body-fields.js';
import { messageQueueValue, readMessageQueue } from './message-queue-body.js';

/** What LOCK_BATCH_MQ and UNLOCK_BATCH_MQ ask for. Matches Apache's LockBatchRequestBody and UnlockBatchRequestBody. */
export interface LockBatchRequest {
  readonly consumerGroup: string;
  readonly clientId: string;
  readonly mqSet: readonly MessageQueue[];
  /** 5.x only. */
  readonly onlyThisBroker?: boolean;
}

export function encodeLockBatchRequest(request: LockBatchRequest): Buffer {
  return formatBody({ ...request, mqSet: request.mqSet.map(messageQueueValue) });
}

/** @throws RMQ_BODY_INVALID */
export function decodeLockBatchRequest(body: Buffer): LockBatchRequest {
  const request = parseBody(body, 'LockBatchRequestBody');
  return {
    consumerGroup: stringMember(request, 'consumerGroup', 'LockBatchRequestBody'),
    clientId: stringMember(request, 'clientId', 'LockBatchRequestBody'),
    mqSet: listMember(request, 'mqSet', 'LockBatchRequestBody', readMessageQueue),
    onlyThisBroker: booleanMember(request, 'onlyThisBroker', 'LockBatchRequestBody'),
  };
}

/** The queues that LOCK_BATCH_MQ locked. Matches Apache's LockBatchResponseBody. */
export function encodeLockBatchResponse(lockOKMQSet: readonly MessageQueue[]): Buffer {
  return formatBody({ lockOKMQSet: lockOKMQSet.map(messageQueueValue) });
}

/** @throws RMQ_BODY_INVALID */
export function decodeLockBatchResponse(body: Buffer): readonly MessageQueue[] {
  return listMember(parseBody(body, 'LockBatchResponseBody'), 'lockOKMQSet', 'LockBatchResponseBody', readMessageQueue);
}
