import { inject, injectable } from 'inversify';
import { requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageStore } from '../message-store.js';

/** Apache's maxMsgsNumBatch and defaultQueryMaxNum. */
const MESSAGES_MAX = 64;
const UNIQUE_KEY_MESSAGES_MAX = 32;
const UNIQUE_KEY_FLAG = '_UNIQUE_KEY_QUERY';

/** QUERY_MESSAGE: messages by one of their keys, or by their unique key. Matches Apache's QueryMessageProcessor (4.9). */
@injectable()
export class QueryMessageProcessor implements BrokerProcessor {
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.QUERY_MESSAGE]: (request: RemotingCommand) => this.#query(request),
  };

  constructor(@inject(MessageStore) store: MessageStore) {
    this.#store = store;
  }

  async #query(request: RemotingCommand): Promise<OutgoingResponse> {
    const isByUniqueKey = request.ext[UNIQUE_KEY_FLAG] === 'true';
    const maxNum = requiredInt32(request, 'maxNum');
    const { records, indexLastUpdateTimestamp, indexLastUpdateOffset } = await this.#store.query({
      topic: requiredString(request, 'topic'),
      key: requiredString(request, 'key'),
      messagesMax: isByUniqueKey ? UNIQUE_KEY_MESSAGES_MAX : Math.min(maxNum, MESSAGES_MAX),
      begin: requiredInt64(request, 'beginTimestamp'),
      end: requiredInt64(request, 'endTimestamp'),
    });
    const isFound = records.length > 0;
    // Apache tells how far its index is only along with messages.
    const ext = {
      indexLastUpdateTimestamp: isFound ? indexLastUpdateTimestamp : 0,
      indexLastUpdatePhyoffset: isFound ? indexLastUpdateOffset : 0,
    };
    if (isFound) return { code: ResponseCode.SUCCESS, ext, body: Buffer.concat(records) };
    const remark = 'can not find message, maybe time range not correct';
    return { code: ResponseCode.QUERY_NOT_FOUND, remark, ext };
  }
}
