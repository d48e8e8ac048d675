import { inject, injectable } from 'inversify';
import { bytesOfRecord } from '../../../message/message-record.js';
import { requiredInt64 } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageStore } from '../message-store.js';

/** VIEW_MESSAGE_BY_ID: one record by its place in the commit log. */
@injectable()
export class ViewMessageProcessor implements BrokerProcessor {
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.VIEW_MESSAGE_BY_ID]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const offset = requiredInt64(request, 'offset');
      const record = await this.#store.recordAt(offset);
      return record === undefined
        ? { code: ResponseCode.SYSTEM_ERROR, remark: `can not find message by the offset, ${offset}` }
        : { code: ResponseCode.SUCCESS, body: bytesOfRecord(record) };
    },
  };

  constructor(@inject(MessageStore) store: MessageStore) {
    this.#store = store;
  }
}
