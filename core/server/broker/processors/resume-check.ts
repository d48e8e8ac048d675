import { inject, injectable } from 'inversify';
import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { parseOffsetMsgId } from '../../../message/message-ids.js';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { isStored, MessageStore } from '../message-store.js';
import { HalfMessages } from '../transaction/half-messages.js';

const PUT_BACK = 'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.';

/**
 * RESUME_CHECK_HALF_MESSAGE: a transaction that was discarded after its last check is asked about again. Matches
 * resumeCheckHalfMessage of Apache's AdminBrokerProcessor, which takes any message for one.
 */
@injectable()
export class ResumeCheckProcessor implements BrokerProcessor {
  readonly #store: MessageStore;
  readonly #halfMessages: HalfMessages;

  readonly handlers = {
    [RequestCode.RESUME_CHECK_HALF_MESSAGE]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const place = placeOf(requiredString(request, 'msgId'));
      const record = place === undefined ? undefined : await this.#store.recordAt(place);
      const status = record === undefined ? undefined : await this.#halfMessages.resume(record);
      return isStored(status) ? { code: ResponseCode.SUCCESS } : { code: ResponseCode.SYSTEM_ERROR, remark: PUT_BACK };
    },
  };

  constructor(@inject(MessageStore) store: MessageStore, @inject(HalfMessages) halfMessages: HalfMessages) {
    this.#store = store;
    this.#halfMessages = halfMessages;
  }
}

/** Where in the log an offset id points to; undefined for another id. */
function placeOf(msgId: string): number | undefined {
  try {
    return parseOffsetMsgId(msgId).offset;
  } catch (error) {
    if (!isRocketMQError(error)) throw error;
    return undefined;
  }
}
