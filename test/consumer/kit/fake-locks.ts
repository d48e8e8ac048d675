import { decodeLockBatchRequest, encodeLockBatchResponse } from '../../../core/remoting/protocol/lock-batch.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { answerOf, type FakeBroker } from './fake-broker.js';

/** Has a fake broker grant every lock that it is asked for. */
export function grantLocks(broker: FakeBroker): void {
  broker.extension = ({ command }, respond) => {
    if (command.code === RequestCode.LOCK_BATCH_MQ) {
      const { mqSet } = decodeLockBatchRequest(command.body as Buffer);
      respond({ ...answerOf(0), body: encodeLockBatchResponse(mqSet) });
      return true;
    }
    if (command.code !== RequestCode.UNLOCK_BATCH_MQ) return false;
    respond(answerOf(0));
    return true;
  };
}
