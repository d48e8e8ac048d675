import { javaStringHash } from '../../../core/message/tag-hash.js';
import { encodeHeartbeatData } from '../../../core/remoting/protocol/heartbeat-data.js';
import type { RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { SubscriptionData } from '../../../core/remoting/protocol/subscription-data.js';
import { request } from './requests.js';

export interface HeartbeatParts {
  readonly clientId?: string;
  /** A consumer group; absent: none. */
  readonly group?: string;
  /** Topic to expression. */
  readonly topics?: Readonly<Record<string, string>>;
  readonly subVersion?: number;
  readonly expressionType?: string;
  readonly messageModel?: string;
  /** Instead of the hashes of the tags. */
  readonly codes?: readonly number[];
  readonly unitMode?: boolean;
  readonly producers?: readonly string[];
}

/** A HEART_BEAT request. */
export function heartbeat(parts: HeartbeatParts): RemotingCommand {
  const { clientId = '10.0.0.1@1', group, topics = {}, producers = [] } = parts;
  const subscriptionDataSet = Object.entries(topics).map(([topic, subString]) => subscription(topic, subString, parts));
  const consumer = group !== undefined && {
    groupName: group,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: parts.messageModel ?? 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
    unitMode: parts.unitMode ?? false,
    subscriptionDataSet,
  };
  const body = encodeHeartbeatData({
    clientID: clientId,
    consumerDataSet: consumer ? [consumer] : [],
    producerDataSet: producers.map((groupName) => ({ groupName })),
  });
  return request(RequestCode.HEART_BEAT, {}, body);
}

function subscription(topic: string, subString: string, parts: HeartbeatParts): SubscriptionData {
  const { expressionType = 'TAG', subVersion = 1 } = parts;
  const tags = subString === '*' || expressionType !== 'TAG' ? [] : subString.split('||').map((tag) => tag.trim());
  return {
    topic,
    subString,
    tagsSet: tags,
    codeSet: parts.codes ?? tags.map(javaStringHash),
    subVersion,
    expressionType,
    classFilterMode: false,
  };
}
