import { rocketMQError } from '../errors/rocketmq-error.js';
import { parseRecallHandle } from '../message/recall-handle.js';
import type { ResourceNames } from '../message/resource-names.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { requiredString } from '../remoting/protocol/ext-fields.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { RouteTable } from '../routing/route-table.js';

export interface RecallHost {
  readonly group: string;
  readonly names: ResourceNames;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
}

/** Asks the broker that gave out the handle to take its message back. Matches recallMessage of Apache's DefaultMQProducerImpl. */
export async function recall(
  { group, names, routes, remoting }: RecallHost,
  topic: string,
  recallHandle: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<string> {
  const handle = typeof recallHandle === 'string' ? parseRecallHandle(recallHandle) : undefined;
  if (handle === undefined) {
    const shown = typeof recallHandle === 'string' ? JSON.stringify(recallHandle) : String(recallHandle);
    const message = `recallHandle: expected what the result of a send holds, got ${shown}`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'recallHandle' });
  }
  const { brokerName } = handle;
  const wireTopic = names.topicToWire(topic);
  const address = routes.brokerAddress(brokerName) ?? (await routes.loadBrokerAddress(brokerName, wireTopic));
  const ext = { producerGroup: names.groupToWire(group), topic: wireTopic, recallHandle, bname: brokerName };
  const response = await remoting.invoke(
    address,
    { code: RequestCode.RECALL_MESSAGE, ext },
    { timeoutMs, ...(signal && { signal }) },
  );
  expectSuccess(response, { address, broker: brokerName });
  return requiredString(response, 'msgId');
}
