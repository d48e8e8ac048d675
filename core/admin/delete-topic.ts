import { expectSuccess } from '../remoting/expect-success.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { askMasters } from './ask-masters.js';
import { legalTopic } from './legal-topic.js';
import { untilAborted } from './limits.js';

/** DELETE_TOPIC_IN_BROKER at every master of a cluster, then DELETE_TOPIC_IN_NAMESRV at every name server. */
export async function deleteTopic(
  services: AdminServices,
  topic: string,
  cluster: string | undefined,
  limits: CallLimits,
): Promise<void> {
  const ext = { topic: services.names.topicToWire(legalTopic(topic, 'deleted')) };
  const brokers = await askMasters(services, cluster, { code: RequestCode.DELETE_TOPIC_IN_BROKER, ext }, limits);
  const clusters = [...new Set(brokers.map((broker) => broker.cluster))];
  for (const clusterName of clusters) {
    const request = { code: RequestCode.DELETE_TOPIC_IN_NAMESRV, ext: { ...ext, clusterName } };
    await untilAborted(limits.signal, () =>
      services.nameServers.tellAll(request, (response, address) => {
        expectSuccess(response, { address });
      }),
    );
  }
  services.routes.forget(ext.topic);
}
