import {
  formatBody,
  integerMember,
  listMember,
  objectOf,
  parseBody,
  stringMember,
  tableMember,
} from './body-fields.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

/** A client that is connected to a broker. Matches Apache's Connection. */
export interface ClientConnection {
  readonly clientId: string;
  /** `ip:port`. */
  readonly clientAddr: string;
  /** A name of LanguageCode. */
  readonly language: string;
  readonly version: number;
}

/** The answer to GET_PRODUCER_CONNECTION_LIST. Matches Apache's ProducerConnection. */
export interface ProducerConnections {
  readonly connectionSet: readonly ClientConnection[];
}

/** The answer to GET_CONSUMER_CONNECTION_LIST. Matches Apache's ConsumerConnection. */
export interface ConsumerConnections {
  readonly connectionSet: readonly ClientConnection[];
  /** By topic. */
  readonly subscriptionTable: ReadonlyMap<string, SubscriptionData>;
  readonly consumeType: string;
  readonly messageModel: string;
  readonly consumeFromWhere: string;
}

export function encodeProducerConnections(connections: ProducerConnections): Buffer {
  return formatBody(connections);
}

/** @throws RMQ_BODY_INVALID */
export function decodeProducerConnections(body: Buffer): ProducerConnections {
  const connections = parseBody(body, 'ProducerConnection');
  return { connectionSet: listMember(connections, 'connectionSet', 'ProducerConnection', readConnection) };
}

/** A producer that is connected to a broker. Matches Apache's ProducerInfo. */
export interface ProducerInfo {
  readonly clientId: string;
  /** Without a port. */
  readonly remoteIP: string;
  /** A name of LanguageCode. */
  readonly language: string;
  readonly version: number;
  /** Its last heartbeat, milliseconds since 1970. */
  readonly lastUpdateTimestamp: number;
}

/** The answer to GET_ALL_PRODUCER_INFO: by group. Matches Apache's ProducerTableInfo. */
export function encodeProducerTable(data: ReadonlyMap<string, readonly ProducerInfo[]>): Buffer {
  return formatBody({ data });
}

export function encodeConsumerConnections(connections: ConsumerConnections): Buffer {
  return formatBody(connections);
}

/** @throws RMQ_BODY_INVALID */
export function decodeConsumerConnections(body: Buffer): ConsumerConnections {
  const name = 'ConsumerConnection';
  const connections = parseBody(body, name);
  return {
    connectionSet: listMember(connections, 'connectionSet', name, readConnection),
    subscriptionTable: tableMember(connections, 'subscriptionTable', name, readSubscriptionData),
    consumeType: stringMember(connections, 'consumeType', name),
    messageModel: stringMember(connections, 'messageModel', name),
    consumeFromWhere: stringMember(connections, 'consumeFromWhere', name),
  };
}

function readConnection(value: unknown, name: string): ClientConnection {
  const connection = objectOf(value, name);
  return {
    clientId: stringMember(connection, 'clientId', name),
    clientAddr: stringMember(connection, 'clientAddr', name),
    language: stringMember(connection, 'language', name),
    version: integerMember(connection, 'version', name),
  };
}
