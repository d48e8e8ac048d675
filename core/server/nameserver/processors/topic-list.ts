import { inject, injectable } from 'inversify';
import { optionalString, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { encodeTopicList, type TopicList } from '../../../remoting/protocol/topic-list.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { RouteInfo } from '../route-info.js';

/** Lists of topics: all, those of one cluster, and the names that are topics because clusters and brokers have them. Takes one off. */
@injectable()
export class TopicListProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;

  readonly handlers = {
    [RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER]: () => listOf({ topicList: this.#routes.topics }),
    [RequestCode.GET_TOPICS_BY_CLUSTER]: (request: RemotingCommand) =>
      listOf({ topicList: this.#routes.topicsOfCluster(requiredString(request, 'cluster')) }),
    [RequestCode.DELETE_TOPIC_IN_NAMESRV]: (request: RemotingCommand): OutgoingResponse => {
      const cluster = optionalString(request, 'clusterName');
      this.#routes.deleteTopic(requiredString(request, 'topic'), cluster === '' ? undefined : cluster);
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS]: () => {
      const topicList = [...this.#routes.clusters].flatMap(([cluster, brokerNames]) => [cluster, ...brokerNames]);
      const [brokerAddr] = [...this.#routes.brokers].flatMap((broker) => [...broker.addresses.values()]);
      return listOf({ topicList, ...(brokerAddr !== undefined && { brokerAddr }) });
    },
  };

  constructor(@inject(RouteInfo) routes: RouteInfo) {
    this.#routes = routes;
  }
}

function listOf(list: TopicList): OutgoingResponse {
  return { code: ResponseCode.SUCCESS, body: encodeTopicList(list) };
}
