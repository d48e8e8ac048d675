import { expectSuccess } from '../remoting/expect-success.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import { decodeTopicRouteBody } from '../remoting/protocol/topic-route-body.js';
import type { NameServerAnswer, NameServers } from './name-servers.js';
import type { TopicRoute } from './topic-route.js';

/**
 * GET_ROUTEINFO_BY_TOPIC: the route of a topic, and undefined for a topic that the name server does not know, each with
 * the name server that said so. The topic is a name on the wire.
 * @throws RMQ_NAME_SERVER_MISSING, RMQ_NAME_SERVER_UNREACHABLE
 */
export function queryRoute(nameServers: NameServers, topic: string): Promise<NameServerAnswer<TopicRoute | undefined>> {
  return nameServers.ask<TopicRoute | undefined>(
    { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext: { topic, acceptStandardJsonOnly: true } },
    (response, address) => {
      if (response.code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
      return decodeTopicRouteBody(expectSuccess(response, { address }).body);
    },
  );
}
