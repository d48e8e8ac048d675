import { rocketMQError } from '../errors/rocketmq-error.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { encodeMessageRequestMode, type MessageRequestMode } from '../remoting/protocol/message-request-mode.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { invoke, untilAborted } from './limits.js';

export interface RequestModeSetting {
  readonly topic: string;
  readonly group: string;
  readonly mode: MessageRequestMode;
  readonly popShareQueueNum: number;
}

/** SET_MESSAGE_REQUEST_MODE at every broker that has the topic, side by side. */
export async function setRequestMode(
  services: AdminServices,
  { topic, group, mode, popShareQueueNum }: RequestModeSetting,
  limits: CallLimits,
): Promise<void> {
  if (!Number.isInteger(popShareQueueNum) || popShareQueueNum < 0 || popShareQueueNum > 0x7fffffff) {
    const message = `setMessageRequestMode option popShareQueueNum has to be a whole number from 0, it is ${String(popShareQueueNum)}`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'popShareQueueNum' });
  }
  const wireTopic = services.names.topicToWire(topic);
  await untilAborted(limits.signal, () => services.routes.loadSubscribeQueues(wireTopic));
  const consumerGroup = services.names.groupToWire(group);
  const body = encodeMessageRequestMode({ topic: wireTopic, consumerGroup, mode, popShareQueueNum });
  await Promise.all(
    services.routes.topicAddresses(wireTopic).map(async (address) => {
      const request = { code: RequestCode.SET_MESSAGE_REQUEST_MODE, body };
      expectSuccess(await invoke(services, address, request, limits), { address });
    }),
  );
}
