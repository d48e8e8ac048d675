import { inject, injectable } from 'inversify';
import { encodeClusterInfo } from '../../../remoting/protocol/cluster-info.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { RouteInfo } from '../route-info.js';
import { brokerDataOf } from './route-info.js';

/** GET_BROKER_CLUSTER_INFO: every broker and every cluster. */
@injectable()
export class ClusterInfoProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;

  readonly handlers = {
    [RequestCode.GET_BROKER_CLUSTER_INFO]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeClusterInfo({
        brokerAddrTable: new Map([...this.#routes.brokers].map((broker) => [broker.brokerName, brokerDataOf(broker)])),
        clusterAddrTable: new Map([...this.#routes.clusters].map(([cluster, names]) => [cluster, [...names]])),
      }),
    }),
  };

  constructor(@inject(RouteInfo) routes: RouteInfo) {
    this.#routes = routes;
  }
}
