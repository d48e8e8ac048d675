import { inject, injectable } from 'inversify';
import { optionalBoolean, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { type BrokerDataBody, encodeTopicRouteBody } from '../../../remoting/protocol/topic-route-body.js';
import { MQVersion } from '../../../remoting/protocol/version.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { KvConfig, ORDER_TOPIC_NAMESPACE } from '../kv-config.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { NameServerSettings } from '../name-server-settings.js';
import { type BrokerEntry, RouteInfo } from '../route-info.js';

/** GET_ROUTEINFO_BY_TOPIC: where a topic lives. Keys of broker ids are quoted for askers that read standard JSON only. */
@injectable()
export class RouteInfoProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;
  readonly #kvConfig: KvConfig;
  readonly #settings: NameServerSettings;

  readonly handlers = {
    [RequestCode.GET_ROUTEINFO_BY_TOPIC]: (request: RemotingCommand): OutgoingResponse => {
      const topic = requiredString(request, 'topic');
      const route = this.#routes.route(topic);
      if (route === undefined) {
        return {
          code: ResponseCode.TOPIC_NOT_EXIST,
          remark:
            `No topic route info in name server for the topic: ${topic}\n` +
            'See http://rocketmq.apache.org/docs/faq/ for further details.',
        };
      }
      const orderTopicConf = this.#settings.orderMessageEnable
        ? this.#kvConfig.get(ORDER_TOPIC_NAMESPACE, topic)
        : undefined;
      const body = {
        queueDatas: route.queues,
        brokerDatas: route.brokers.map(brokerDataOf),
        ...(orderTopicConf !== undefined && { orderTopicConf }),
      };
      const standardJson =
        request.version >= MQVersion.V4_9_4 || optionalBoolean(request, 'acceptStandardJsonOnly') === true;
      return { code: ResponseCode.SUCCESS, body: encodeTopicRouteBody(body, { standardJson }) };
    },
  };

  constructor(
    @inject(RouteInfo) routes: RouteInfo,
    @inject(KvConfig) kvConfig: KvConfig,
    @inject(NameServerSettings) settings: NameServerSettings,
  ) {
    this.#routes = routes;
    this.#kvConfig = kvConfig;
    this.#settings = settings;
  }
}

/** A broker as bodies have it. */
export function brokerDataOf({ cluster, brokerName, addresses }: BrokerEntry): BrokerDataBody {
  return { cluster, brokerName, brokerAddrs: Object.fromEntries(addresses) };
}
