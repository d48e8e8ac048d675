import { rocketMQError } from '../../errors/rocketmq-error.js';
import { javaStringHash } from '../../message/tag-hash.js';
import {
  booleanMember,
  integerMember,
  integerOf,
  listMember,
  objectOf,
  stringMember,
  stringOf,
} from './body-fields.js';

/** How expressions are understood. Matches Apache's ExpressionType. */
export const ExpressionType = { TAG: 'TAG', SQL92: 'SQL92' } as const;

/** What a group wants of a topic. Matches Apache's SubscriptionData. */
export interface SubscriptionData {
  readonly topic: string;
  /** The expression as its user wrote it, `*` for everything. */
  readonly subString: string;
  /** Tags; empty for everything and for SQL92. */
  readonly tagsSet: readonly string[];
  /** Java's hash of each tag. */
  readonly codeSet: readonly number[];
  /** Milliseconds since 1970 of the subscribing; a broker replaces older ones. */
  readonly subVersion: number;
  /** One of ExpressionType. */
  readonly expressionType: string;
  readonly classFilterMode: boolean;
}

const SUBSCRIBE_ALL = '*';
const TAG_SEPARATOR = '||';

/**
 * Reads a tag expression: `*`, or tags joined by `||`. Nothing and blanks stand for `*`. Matches Apache's FilterAPI.
 * @throws RMQ_SUBSCRIPTION_INVALID for an expression of separators only
 */
export function parseTagExpression(topic: string, expression: string, subVersion: number): SubscriptionData {
  const shared = { topic, subVersion, expressionType: ExpressionType.TAG, classFilterMode: false };
  if (expression.trim() === '' || expression.trim() === SUBSCRIBE_ALL) {
    return { ...shared, subString: SUBSCRIBE_ALL, tagsSet: [], codeSet: [] };
  }
  const tagsSet = tagsOf(expression);
  if (tagsSet.length === 0) {
    const message = `The subscription of ${topic} names no tag: ${JSON.stringify(expression)}`;
    throw rocketMQError('RMQ_SUBSCRIPTION_INVALID', message, { topic, expression });
  }
  return { ...shared, subString: expression, tagsSet, codeSet: [...new Set(tagsSet.map(javaStringHash))] };
}

/** The tags that `||` joins, each once and without the blanks around it; none where there are only separators. */
export function tagsOf(expression: string): readonly string[] {
  const tags = expression.split(TAG_SEPARATOR).map((tag) => tag.trim());
  return [...new Set(tags.filter((tag) => tag !== ''))];
}

/** Reads a SubscriptionData. @throws RMQ_BODY_INVALID */
export function readSubscriptionData(value: unknown, name: string): SubscriptionData {
  const data = objectOf(value, name);
  return {
    topic: stringMember(data, 'topic', name),
    subString: stringMember(data, 'subString', name),
    tagsSet: listMember(data, 'tagsSet', name, stringOf),
    codeSet: listMember(data, 'codeSet', name, integerOf),
    subVersion: integerMember(data, 'subVersion', name),
    expressionType: stringMember(data, 'expressionType', name) || ExpressionType.TAG,
    classFilterMode: booleanMember(data, 'classFilterMode', name),
  };
}
