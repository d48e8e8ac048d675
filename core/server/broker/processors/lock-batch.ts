import { inject, injectable } from 'inversify';
import { decodeLockBatchRequest, encodeLockBatchResponse } from '../../../remoting/protocol/lock-batch.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { QueueLocks } from '../groups/queue-locks.js';

/** LOCK_BATCH_MQ and UNLOCK_BATCH_MQ: the queues that a client consumes in order. Matches Apache's AdminBrokerProcessor. */
@injectable()
export class LockBatchProcessor implements BrokerProcessor {
  readonly #locks: QueueLocks;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.LOCK_BATCH_MQ]: (request: RemotingCommand): OutgoingResponse => {
      const { consumerGroup, mqSet, clientId } = decodeLockBatchRequest(request.body);
      const locked = this.#locks.lock(consumerGroup, mqSet, clientId, this.#clock.monotonic());
      return { code: ResponseCode.SUCCESS, body: encodeLockBatchResponse(locked) };
    },
    [RequestCode.UNLOCK_BATCH_MQ]: (request: RemotingCommand): OutgoingResponse => {
      const { consumerGroup, mqSet, clientId } = decodeLockBatchRequest(request.body);
      this.#locks.unlock(consumerGroup, mqSet, clientId);
      return { code: ResponseCode.SUCCESS };
    },
  };

  constructor(@inject(QueueLocks) locks: QueueLocks, @inject(Clock) clock: Clock) {
    this.#locks = locks;
    this.#clock = clock;
  }
}
