import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { Refusal } from '../refusal.js';
import type { SendRequest } from '../send/send-fields.js';
import type { SendProperties } from '../send/send-properties.js';
import { brokerHost } from '../settings/broker-host.js';
import type { BrokerSettings } from '../settings/broker-settings.js';

/** Whether a send brings the half message of a transaction. What a consumer sends back of one is none, whatever its properties. */
export function isHalfSend({ reconsumeTimes }: SendRequest, { transactional }: SendProperties): boolean {
  return transactional && reconsumeTimes === 0;
}

/**
 * Why what a send says of a transaction is refused. Apache would store a delayed half message and, when it is due, drop it;
 * and it would store a record in the state of a transaction, but without its property, so that nobody can ever read it.
 */
export function refuseTransaction(
  send: SendRequest,
  properties: SendProperties,
  settings: BrokerSettings,
): Refusal | undefined {
  const type = transactionType(send.sysFlag);
  const isHalf = isHalfSend(send, properties);
  const unreadable = !isHalf && (type === SysFlag.TRANSACTION_PREPARED || type === SysFlag.TRANSACTION_ROLLBACK);
  if ((isHalf && settings.rejectTransactionMessage) || unreadable) {
    const remark = `the broker[${brokerHost(settings)}] sending transaction message is forbidden`;
    return { code: ResponseCode.NO_PERMISSION, remark };
  }
  if (isHalf && (properties.timed || (properties.delay !== undefined && !(Number(properties.delay) <= 0)))) {
    return { code: ResponseCode.MESSAGE_ILLEGAL, remark: 'messages of transactions cannot be delayed' };
  }
  return undefined;
}
