import { inject, injectable } from 'inversify';
import {
  type ClientConnection,
  encodeConsumerConnections,
  encodeProducerConnections,
  encodeProducerTable,
  type ProducerInfo,
} from '../../../remoting/protocol/client-connections.js';
import { encodeConsumerList } from '../../../remoting/protocol/consumer-list.js';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import { languageName } from '../../../remoting/protocol/language-codes.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import type { ClientChannel } from '../clients/client-channel.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ProducerRegistry } from '../clients/producer-registry.js';

/** Who is connected: what consumers need to share queues out, and what an operator asks. */
@injectable()
export class ClientListProcessor implements BrokerProcessor {
  readonly #producers: ProducerRegistry;
  readonly #consumers: ConsumerRegistry;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.GET_CONSUMER_LIST_BY_GROUP]: (request: RemotingCommand) => this.#consumerIds(request),
    [RequestCode.GET_CONSUMER_CONNECTION_LIST]: (request: RemotingCommand) => this.#consumerConnections(request),
    [RequestCode.GET_PRODUCER_CONNECTION_LIST]: (request: RemotingCommand) => this.#producerConnections(request),
    [RequestCode.GET_ALL_PRODUCER_INFO]: () => this.#allProducers(),
  };

  constructor(
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(Clock) clock: Clock,
  ) {
    this.#producers = producers;
    this.#consumers = consumers;
    this.#clock = clock;
  }

  #consumerIds(request: RemotingCommand): OutgoingResponse {
    const group = requiredString(request, 'consumerGroup');
    const consumerIdList = this.#consumers.clientIds(group);
    // Not an empty list: a Java client that cannot ask keeps its queues, one that is told of nobody gives them up.
    if (consumerIdList.length === 0) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `no consumer for this group, ${group}`, ext: {} };
    }
    return { code: ResponseCode.SUCCESS, ext: {}, body: encodeConsumerList(consumerIdList) };
  }

  #consumerConnections(request: RemotingCommand): OutgoingResponse {
    const groupName = requiredString(request, 'consumerGroup');
    const group = this.#consumers.group(groupName);
    if (group === undefined) {
      return { code: ResponseCode.CONSUMER_NOT_ONLINE, remark: `the consumer group[${groupName}] not online` };
    }
    const { consumeType, messageModel, consumeFromWhere, members, subscriptions } = group;
    const body = encodeConsumerConnections({
      connectionSet: members.map(connectionOf),
      subscriptionTable: new Map([...subscriptions].map(([topic, { data }]) => [topic, data])),
      consumeType,
      messageModel,
      consumeFromWhere,
    });
    return { code: ResponseCode.SUCCESS, body };
  }

  #producerConnections(request: RemotingCommand): OutgoingResponse {
    const group = requiredString(request, 'producerGroup');
    const members = this.#producers.members(group);
    if (members === undefined) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `the producer group[${group}] not exist` };
    }
    const body = encodeProducerConnections({ connectionSet: members.map(connectionOf) });
    return { code: ResponseCode.SUCCESS, body };
  }

  #allProducers(): OutgoingResponse {
    // Silence is counted on the monotonic clock, which nobody else can read.
    const bootMs = this.#clock.now() - this.#clock.monotonic();
    const infoOf = ({ clientId, connection, language, version, lastHeardMs }: ClientChannel): ProducerInfo => ({
      clientId,
      remoteIP: connection.remoteAddress.replace(/:\d+$/, ''),
      language: languageName(language),
      version,
      lastUpdateTimestamp: Math.round(bootMs + lastHeardMs),
    });
    const table = this.#producers.groups.map(
      (group) => [group, (this.#producers.members(group) ?? []).map(infoOf)] as const,
    );
    return { code: ResponseCode.SUCCESS, body: encodeProducerTable(new Map(table)) };
  }
}

function connectionOf({ clientId, connection, language, version }: ClientChannel): ClientConnection {
  return { clientId, clientAddr: connection.remoteAddress, language: languageName(language), version };
}
