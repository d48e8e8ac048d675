import { ExpressionType, type SubscriptionData } from '../../../remoting/protocol/subscription-data.js';

/** Decides by the hash of a message's tag; undefined stands for "every message". */
export type TagMatcher = ((tagsCode: number) => boolean) | undefined;

/** Whether an expression type means tags: the default, also when it is left out. */
export function isTagExpression(expressionType: string | undefined): boolean {
  return expressionType === undefined || expressionType === '' || expressionType === ExpressionType.TAG;
}

/**
 * A subscription's matcher, made once for all the messages it is asked about. Matches Apache's ExpressionMessageFilter:
 * an expression other than `*` whose codes are missing matches nothing.
 */
export function tagMatcherOf({ subString, codeSet, classFilterMode }: SubscriptionData): TagMatcher {
  if (classFilterMode || subString === '*') return undefined;
  if (codeSet.length === 1) {
    const only = codeSet[0];
    return (tagsCode) => tagsCode === only;
  }
  const codes = new Set(codeSet);
  return (tagsCode) => codes.has(tagsCode);
}
