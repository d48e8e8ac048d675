import {
  booleanMember,
  enumMember,
  formatBody,
  listMember,
  objectOf,
  optionalIntegerMember,
  parseBody,
  stringMember,
} from './body-fields.js';
import { readSubscriptionData, type SubscriptionData } from './subscription-data.js';

/** Matches Apache's ConsumeType. */
export const ConsumeType = {
  ACTIVELY: 'CONSUME_ACTIVELY',
  PASSIVELY: 'CONSUME_PASSIVELY',
  POP: 'CONSUME_POP',
} as const;

/** Matches Apache's MessageModel. */
export const MessageModel = { BROADCASTING: 'BROADCASTING', CLUSTERING: 'CLUSTERING' } as const;

/** Where a group without a stored offset begins. Matches Apache's ConsumeFromWhere, its deprecated values included. */
export const ConsumeFromWhere = {
  LAST_OFFSET: 'CONSUME_FROM_LAST_OFFSET',
  LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST: 'CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST',
  MIN_OFFSET: 'CONSUME_FROM_MIN_OFFSET',
  MAX_OFFSET: 'CONSUME_FROM_MAX_OFFSET',
  FIRST_OFFSET: 'CONSUME_FROM_FIRST_OFFSET',
  TIMESTAMP: 'CONSUME_FROM_TIMESTAMP',
} as const;

/** One producer group of a client. Matches Apache's ProducerData. */
export interface ProducerData {
  readonly groupName: string;
}

/** One consumer group of a client. Matches Apache's ConsumerData; the enums are plain strings, as later versions add values. */
export interface ConsumerData {
  readonly groupName: string;
  readonly consumeType: string;
  readonly messageModel: string;
  readonly consumeFromWhere: string;
  readonly subscriptionDataSet: readonly SubscriptionData[];
  readonly unitMode: boolean;
}

/** What a client tells every broker each 30 s: the body of HEART_BEAT. Matches Apache's HeartbeatData. */
export interface HeartbeatData {
  readonly clientID: string;
  readonly producerDataSet: readonly ProducerData[];
  readonly consumerDataSet: readonly ConsumerData[];
  /** 5.x only; 0 in a full heartbeat. */
  readonly heartbeatFingerprint?: number;
  /** 5.x only. */
  readonly withoutSub?: boolean;
}

export function encodeHeartbeatData(data: HeartbeatData): Buffer {
  return formatBody(data);
}

/** @throws RMQ_BODY_INVALID */
export function decodeHeartbeatData(body: Buffer): HeartbeatData {
  const data = parseBody(body, 'HeartbeatData');
  const heartbeatFingerprint = optionalIntegerMember(data, 'heartbeatFingerprint', 'HeartbeatData');
  return {
    clientID: stringMember(data, 'clientID', 'HeartbeatData'),
    producerDataSet: listMember(data, 'producerDataSet', 'HeartbeatData', readProducerData),
    consumerDataSet: listMember(data, 'consumerDataSet', 'HeartbeatData', readConsumerData),
    ...(heartbeatFingerprint === undefined ? {} : { heartbeatFingerprint }),
    ...(data.withoutSub === undefined ? {} : { withoutSub: booleanMember(data, 'withoutSub', 'HeartbeatData') }),
  };
}

function readProducerData(value: unknown, name: string): ProducerData {
  return { groupName: stringMember(objectOf(value, name), 'groupName', name) };
}

function readConsumerData(value: unknown, name: string): ConsumerData {
  const data = objectOf(value, name);
  return {
    groupName: stringMember(data, 'groupName', name),
    consumeType: enumMember(data, 'consumeType', name, Object.values(ConsumeType)),
    messageModel: enumMember(data, 'messageModel', name, Object.values(MessageModel)),
    consumeFromWhere: enumMember(data, 'consumeFromWhere', name, Object.values(ConsumeFromWhere)),
    subscriptionDataSet: listMember(data, 'subscriptionDataSet', name, readSubscriptionData),
    unitMode: booleanMember(data, 'unitMode', name),
  };
}
