import { inject, injectable } from 'inversify';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { MessageStore } from '../message-store.js';
import { TopicDeletion } from '../topic-deletion.js';

/**
 * An operator has removed at once what goes by itself sooner or later: CLEAN_EXPIRED_CONSUMEQUEUE, DELETE_EXPIRED_COMMITLOG,
 * CLEAN_UNUSED_TOPIC. Of a queue whose messages are all gone the last file stays, where Apache has it begin at 0 again: it
 * is what says where the queue goes on.
 */
@injectable()
export class CleaningProcessor implements BrokerProcessor {
  readonly #store: MessageStore;
  readonly #deletion: TopicDeletion;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE]: async (): Promise<OutgoingResponse> => {
      await this.#store.cleaning.cleanQueues();
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.DELETE_EXPIRED_COMMITLOG]: (): OutgoingResponse => {
      // With its pauses between files it takes longer than an operator's tool waits.
      this.#store.cleaning.removeExpired().catch((error: unknown) => {
        this.#logger.error('what is too old could not be removed', { error });
      });
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.CLEAN_UNUSED_TOPIC]: (): OutgoingResponse => {
      this.#deletion.cleanUnused();
      return { code: ResponseCode.SUCCESS };
    },
  };

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicDeletion) deletion: TopicDeletion,
    @inject(Logger) logger: Logger,
  ) {
    this.#store = store;
    this.#deletion = deletion;
    this.#logger = logger;
  }
}
