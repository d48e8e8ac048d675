import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { parseIp } from '../message/host.js';
import type { ReceivedMessage } from '../message/message.js';
import { parseOffsetMsgId, uniqueIdTime } from '../message/message-ids.js';
import { readMessages } from '../message/read-messages.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { resolvedAddress } from '../routing/resolve-address.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { type ClusterBroker, clusterBrokers } from './cluster-brokers.js';
import { invoke, untilAborted } from './limits.js';
import { queryMessages } from './message-query.js';

const PORT_MAX = 65_535;
/** What a broker says of a place where no message is. */
const NOT_FOUND = /^can not find message by the offset/;
/** As many as a broker looks through for a unique key. */
const UNIQUE_KEY_MESSAGES_MAX = 32;
/** A producer's id tells the time by its own time zone; any two are at most so far apart. */
const TIME_ZONES_APART_MS = 26 * 3_600_000;

/** Where a message lies, from its offsetMsgId. */
interface MessagePlace {
  readonly msgId: string;
  /** `ip:port` that its broker stores with messages. */
  readonly host: string;
  readonly port: number;
  readonly offset: number;
}

/** A message by its offsetMsgId alone. Matches Apache's MQAdminImpl.viewMessage(msgId). */
export async function viewByOffset(
  services: AdminServices,
  offsetMsgId: string,
  limits: CallLimits,
): Promise<ReceivedMessage> {
  const place = placeOf(offsetMsgId);
  if (place.port > PORT_MAX) {
    const message = `${offsetMsgId} does not say where a message lies: it is an id that a producer made`;
    const hint = 'Name the topic too: viewMessage(topic, msgId).';
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'offsetMsgId' }, { hint });
  }
  const broker = await untilAborted(limits.signal, () => brokerAt(services, place.host));
  return viewAt(services, place, broker, limits);
}

/** The broker that stores messages under this address; one without a name where the name server does not know any. */
async function brokerAt(services: AdminServices, host: string): Promise<Pick<ClusterBroker, 'address' | 'brokerName'>> {
  let brokers: readonly ClusterBroker[] = [];
  try {
    brokers = await clusterBrokers(services);
  } catch (error) {
    // The id says enough to ask the broker.
    if (!isRocketMQError(error, 'RMQ_NAME_SERVER_UNREACHABLE')) throw error;
  }
  const known = brokers.find(({ advertised }) => advertised === host);
  const address = () => resolvedAddress(services.resolveAddress, host, { brokerName: '', brokerId: 0 });
  return known ?? { address: address(), brokerName: '' };
}

/** A message of a topic by either of its ids; unlike Java, no address is asked that no broker of the cluster has. */
export async function viewByEither(
  services: AdminServices,
  topic: string,
  msgId: string,
  limits: CallLimits,
): Promise<ReceivedMessage> {
  const place = isOffsetMsgId(msgId) ? placeOf(msgId) : undefined;
  if (place !== undefined && place.port > 0 && place.port <= PORT_MAX) {
    const brokers = await untilAborted(limits.signal, () => clusterBrokers(services));
    const broker = brokers.find(({ advertised }) => mayBeAt(advertised, place));
    if (broker !== undefined) return viewInTopic(services, topic, place, broker, limits);
  }
  return viewByUniqueKey(services, topic, msgId, limits);
}

async function viewInTopic(
  services: AdminServices,
  topic: string,
  place: MessagePlace,
  broker: ClusterBroker,
  limits: CallLimits,
): Promise<ReceivedMessage> {
  const message = await viewAt(services, place, broker, limits);
  if (message.topic === topic) return message;
  throw notFound(place.msgId, topic, `it lies where a message of topic ${message.topic} is`);
}

async function viewByUniqueKey(
  services: AdminServices,
  topic: string,
  msgId: string,
  limits: CallLimits,
): Promise<ReceivedMessage> {
  const madeAt = uniqueIdTime(msgId, services.clock.now());
  const begin = madeAt === undefined ? 0 : Math.max(0, madeAt - TIME_ZONES_APART_MS);
  const query = { topic, key: msgId, isUnique: true, maxNum: UNIQUE_KEY_MESSAGES_MAX, end: undefined };
  let { messages, failures } = await queryMessages(services, { ...query, begin }, limits);
  if (messages.length === 0 && begin > 0) {
    // The id tells no month, and Java looks no further.
    ({ messages, failures } = await queryMessages(services, { ...query, begin: 0 }, limits));
  }
  const [first] = messages;
  if (first !== undefined) return first;
  // It may lie on one of those.
  if (failures[0] !== undefined) throw failures[0].error;
  throw notFound(msgId, topic, 'no broker of the topic has it');
}

async function viewAt(
  services: AdminServices,
  { msgId, offset }: MessagePlace,
  { address, brokerName }: Pick<ClusterBroker, 'address' | 'brokerName'>,
  limits: CallLimits,
): Promise<ReceivedMessage> {
  const response = await invoke(services, address, { code: RequestCode.VIEW_MESSAGE_BY_ID, ext: { offset } }, limits);
  if (NOT_FOUND.test(response.remark ?? '')) throw notFound(msgId, undefined, `${address}: ${response.remark}`);
  // Its bytes belong to the connection, and decompressing may take a turn.
  const { body } = expectSuccess(response, { address });
  const [message] = await readMessages(Buffer.from(body), { brokerName, ...services });
  if (message === undefined) throw notFound(msgId, undefined, `${address} answered without it`);
  return message;
}

function placeOf(msgId: string): MessagePlace {
  const { host, offset } = parseOffsetMsgId(msgId);
  return { msgId, host, port: Number(host.slice(host.lastIndexOf(':') + 1)), offset };
}

function isOffsetMsgId(msgId: string): boolean {
  return /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/.test(msgId);
}

/** A broker that is advertised by name stores the address behind it, which cannot be told from here. */
function mayBeAt(advertised: string, { host, port }: MessagePlace): boolean {
  if (advertised === host) return true;
  const colon = advertised.lastIndexOf(':');
  const name = advertised.slice(0, colon);
  return parseIp(name) === undefined && Number(advertised.slice(colon + 1)) === port;
}

function notFound(msgId: string, topic: string | undefined, why: string): Error {
  const where = topic === undefined ? '' : ` in topic ${topic}`;
  const message = `The message ${msgId} was not found${where}: ${why}`;
  return rocketMQError('RMQ_MESSAGE_NOT_FOUND', message, { msgId, ...(topic !== undefined && { topic }) });
}
