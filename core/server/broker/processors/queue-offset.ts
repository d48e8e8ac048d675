import { inject, injectable } from 'inversify';
import { optionalString, requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageStore, type TimeBoundary } from '../message-store.js';

/** Where a queue begins and ends, by offset and by time. */
@injectable()
export class QueueOffsetProcessor implements BrokerProcessor {
  readonly #store: MessageStore;

  readonly handlers = {
    [RequestCode.GET_MAX_OFFSET]: (request: RemotingCommand) => {
      const { topic, queueId } = queueOf(request);
      return offsetIs(this.#store.maxOffset(topic, queueId));
    },
    [RequestCode.GET_MIN_OFFSET]: (request: RemotingCommand) => {
      const { topic, queueId } = queueOf(request);
      return offsetIs(this.#store.minOffset(topic, queueId));
    },
    [RequestCode.SEARCH_OFFSET_BY_TIMESTAMP]: async (request: RemotingCommand) => {
      const { topic, queueId } = queueOf(request);
      const timestamp = requiredInt64(request, 'timestamp');
      return offsetIs(await this.#store.offsetByTime(topic, queueId, timestamp, boundaryOf(request)));
    },
    [RequestCode.GET_EARLIEST_MSG_STORETIME]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const { topic, queueId } = queueOf(request);
      const timestamp = await this.#store.storeTimeAt(topic, queueId, this.#store.minOffset(topic, queueId));
      return { code: ResponseCode.SUCCESS, ext: { timestamp: timestamp ?? -1 } };
    },
  };

  constructor(@inject(MessageStore) store: MessageStore) {
    this.#store = store;
  }
}

function queueOf(request: RemotingCommand): { readonly topic: string; readonly queueId: number } {
  return { topic: requiredString(request, 'topic'), queueId: requiredInt32(request, 'queueId') };
}

/** Only 5.x clients name a boundary; without one we search as 4.9 does. */
function boundaryOf(request: RemotingCommand): TimeBoundary {
  const text = optionalString(request, 'boundaryType')?.toLowerCase();
  return text === 'lower' || text === 'upper' ? text : 'nearest';
}

function offsetIs(offset: number): OutgoingResponse {
  return { code: ResponseCode.SUCCESS, ext: { offset } };
}
