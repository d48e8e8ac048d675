import { inject, injectable } from 'inversify';
import { optionalString, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ProducerRegistry } from '../clients/producer-registry.js';

/** UNREGISTER_CLIENT: a producer or consumer of this connection says good-bye. */
@injectable()
export class UnregisterClientProcessor implements BrokerProcessor {
  readonly #producers: ProducerRegistry;
  readonly #consumers: ConsumerRegistry;

  readonly handlers = {
    [RequestCode.UNREGISTER_CLIENT]: (request: RemotingCommand, connection: ServerConnection): OutgoingResponse => {
      requiredString(request, 'clientID');
      const producerGroup = optionalString(request, 'producerGroup');
      const consumerGroup = optionalString(request, 'consumerGroup');
      if (producerGroup !== undefined) this.#producers.unregister(producerGroup, connection);
      if (consumerGroup !== undefined) this.#consumers.unregister(consumerGroup, connection);
      return { code: ResponseCode.SUCCESS, ext: {} };
    },
  };

  constructor(
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
  ) {
    this.#producers = producers;
    this.#consumers = consumers;
  }
}
