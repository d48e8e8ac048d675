import { rocketMQError } from '../errors/rocketmq-error.js';
import type { ReceivedMessage } from '../message/message.js';
import { readMessages } from '../message/read-messages.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { optionalInt64 } from '../remoting/protocol/ext-fields.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { QueryResult } from './admin.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { invoke, untilAborted } from './limits.js';

const INT64_MAX = 2n ** 63n - 1n;
/** A broker of Apache knows times to the second below: what was stored within the first second would be missed. */
const SECOND_MS = 1000;

export interface KeyQuery {
  /** As the application calls it. */
  readonly topic: string;
  readonly key: string;
  /** Whether the key is the id that a producer gave a message, rather than one of its keys. */
  readonly isUnique: boolean;
  readonly maxNum: number;
  /** Store times, milliseconds since 1970, both included. */
  readonly begin: number;
  readonly end: number | undefined;
}

interface BrokerAnswer {
  readonly messages: readonly ReceivedMessage[];
  readonly indexLastUpdateTimestamp: number;
}

/** QUERY_MESSAGE at one address of each broker of the topic. Matches Apache's MQAdminImpl.queryMessage. */
export async function queryMessages(
  services: AdminServices,
  query: KeyQuery,
  limits: CallLimits,
): Promise<QueryResult> {
  const { routes, names } = services;
  const topic = names.topicToWire(query.topic);
  if (routes.subscribeQueues(topic) === undefined) {
    await untilAborted(limits.signal, () => routes.loadSubscribeQueues(topic));
  }
  const addresses = routes.topicAddresses(topic);
  if (addresses.length === 0) {
    const message = `No broker of topic ${query.topic} has an address`;
    throw rocketMQError('RMQ_BROKER_NOT_FOUND', message, { broker: 'any', topic: query.topic });
  }
  const brokers = routes.brokers();
  const asked = addresses.map((address) => ({
    address,
    brokerName: brokers.find((broker) => broker.address === address)?.brokerName ?? '',
  }));
  const outcomes = await Promise.allSettled(
    asked.map((broker) => askBroker(services, { ...query, topic }, broker, limits)),
  );
  const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [{ brokerName: asked[index]!.brokerName, error: outcome.reason as unknown }] : [],
  );
  if (failures[0] !== undefined && (answers.length === 0 || limits.signal?.aborted)) throw failures[0].error;
  return {
    messages: chosen(answers, query),
    indexLastUpdateTimestamp: Math.max(...answers.map((answer) => answer.indexLastUpdateTimestamp)),
    failures,
  };
}

/** The topic is its name on the wire. */
async function askBroker(
  services: AdminServices,
  { topic, key, isUnique, maxNum, begin, end }: KeyQuery,
  { address, brokerName }: { readonly address: string; readonly brokerName: string },
  limits: CallLimits,
): Promise<BrokerAnswer> {
  const ext = {
    topic,
    key,
    maxNum,
    beginTimestamp: Math.max(0, begin - SECOND_MS),
    endTimestamp: end ?? INT64_MAX,
    _UNIQUE_KEY_QUERY: isUnique,
  };
  const response = await invoke(services, address, { code: RequestCode.QUERY_MESSAGE, ext }, limits);
  const indexLastUpdateTimestamp = optionalInt64(response, 'indexLastUpdateTimestamp') ?? 0;
  if (response.code === ResponseCode.QUERY_NOT_FOUND) return { messages: [], indexLastUpdateTimestamp };
  // Its bytes belong to the connection, and decompressing may take a turn.
  const { body } = expectSuccess(response, { broker: brokerName, address });
  return { messages: await readMessages(Buffer.from(body), { brokerName, ...services }), indexLastUpdateTimestamp };
}

/** A broker's index knows hashes of keys, and may name a message twice. */
function chosen(answers: readonly BrokerAnswer[], query: KeyQuery): readonly ReceivedMessage[] {
  const { topic, key, isUnique, begin, end = Number.POSITIVE_INFINITY, maxNum } = query;
  const found = new Map<string, ReceivedMessage>();
  for (const message of answers.flatMap(({ messages }) => messages)) {
    const hasKey = isUnique ? message.msgId === key : message.keys.includes(key);
    const isInTime = message.storeTimestamp >= begin && message.storeTimestamp <= end;
    if (hasKey && isInTime && message.topic === topic) found.set(message.offsetMsgId, message);
  }
  return [...found.values()]
    .sort((one, other) => one.storeTimestamp - other.storeTimestamp || one.commitLogOffset - other.commitLogOffset)
    .slice(-maxNum);
}
