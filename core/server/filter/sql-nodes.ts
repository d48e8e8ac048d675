import type { Properties } from '../../message/message.js';
import { SqlProblem } from './sql-problem.js';
import { equal, FAILED, type Failed, negated, ordered, type SqlValue } from './sql-values.js';

/** Three-valued, with evaluation that failed beside. */
export type SqlTruth = boolean | null | Failed;

type Truth = (properties: Properties) => SqlTruth;

/** A part of an expression. What it may be an operand of goes by how it was written, as in Apache's parser. */
export interface SqlNode {
  /** A literal; `constant` is its value. A number with a minus before it is none. */
  readonly constant?: SqlValue;
  /** Its value is true, false or unknown. */
  readonly truth?: Truth;
  /** A property by its name. */
  readonly property?: string;
  evaluate(properties: Properties): SqlValue | Failed;
}

type Compared = 'first' | 'other';

export function constantNode(constant: SqlValue): SqlNode {
  const evaluate = () => constant;
  return typeof constant === 'boolean' || constant === null
    ? { constant, evaluate, truth: () => constant }
    : { constant, evaluate };
}

export function propertyNode(property: string): SqlNode {
  return { property, evaluate: (properties) => properties[property] ?? null };
}

export function negationOf(node: SqlNode): SqlNode {
  return { evaluate: (properties) => negated(node.evaluate(properties)) };
}

/** A property stands for a truth value nowhere: its text is not true, and none is unknown. */
export function truthOf(node: SqlNode): Truth {
  if (node.truth) return node.truth;
  const { property } = node;
  if (property === undefined) throw new SqlProblem('the expression is neither true nor false');
  return (properties) => (properties[property] === undefined ? null : false);
}

export function truthNode(truth: Truth): SqlNode {
  return { truth, evaluate: truth };
}

export function notNode(node: SqlNode): SqlNode {
  return truthNode(not(truthOf(node)));
}

/** Several at once: a chain of thousands must not nest as deep. */
export function andNode(nodes: readonly SqlNode[]): SqlNode {
  return truthNode(decide(nodes.map(truthOf), false));
}

export function orNode(nodes: readonly SqlNode[]): SqlNode {
  return truthNode(decide(nodes.map(truthOf), true));
}

export function equalNode(left: SqlNode, right: SqlNode, wanted: boolean): SqlNode {
  for (const side of [left, right]) {
    if (side.constant === null) throw new SqlProblem('NULL cannot be compared; use IS NULL');
  }
  if (isTruthConstant(left) && right.constant !== undefined && !isTruthConstant(right)) {
    throw new SqlProblem('TRUE and FALSE cannot be compared with another literal');
  }
  const truth = equality(left, right);
  return truthNode(wanted ? truth : not(truth));
}

export function isNullNode(node: SqlNode, wanted: boolean): SqlNode {
  const truth = equality(node, constantNode(null));
  return truthNode(wanted ? truth : not(truth));
}

export function orderNode(left: SqlNode, right: SqlNode, accepts: (order: number) => boolean): SqlNode {
  return truthNode(order(left, right, accepts));
}

/** `BETWEEN low AND high`, both included. */
export function betweenNode(node: SqlNode, low: SqlNode, high: SqlNode, wanted: boolean): SqlNode {
  if (wanted) {
    checkRange(low, high);
    return truthNode(decide([order(node, low, (sign) => sign >= 0), order(node, high, (sign) => sign <= 0)], false));
  }
  return truthNode(decide([order(node, low, (sign) => sign < 0), order(node, high, (sign) => sign > 0)], true));
}

export function inNode({ property }: SqlNode, texts: readonly string[], wanted: boolean): SqlNode {
  if (property === undefined) throw new SqlProblem('IN takes a property on its left');
  const listed = new Set(texts);
  return truthNode((properties) => {
    const value = properties[property];
    return value === undefined ? null : listed.has(value) === wanted;
  });
}

/** CONTAINS and its kin (5.x): a missing property, and an empty text to look for, are false both ways. */
export function searchNode(
  node: SqlNode,
  search: string,
  finds: (value: string, search: string) => boolean,
  wanted: boolean,
): SqlNode {
  return truthNode((properties) => {
    const value = node.evaluate(properties);
    if (value === FAILED) return FAILED;
    return typeof value === 'string' && search !== '' && finds(value, search) === wanted;
  });
}

function isTruthConstant(node: SqlNode): boolean {
  return typeof node.constant === 'boolean';
}

function checkRange(low: SqlNode, high: SqlNode): void {
  if (low.constant === undefined || high.constant === undefined) return;
  if (low.constant === null || high.constant === null) throw new SqlProblem('the ends of BETWEEN cannot be NULL');
  const sign = ordered(low.constant, high.constant);
  if (sign === FAILED || (sign ?? 0) > 0) throw new SqlProblem('the first end of BETWEEN is above the second');
}

/** Only numbers have an order, and properties that hold some. */
function checkOrdered(node: SqlNode, side: Compared): void {
  const { constant } = node;
  const isNumber = typeof constant === 'number' || (typeof constant === 'object' && constant !== null);
  if (constant === undefined ? node.truth === undefined : isNumber) return;
  throw new SqlProblem(`the ${side} operand of a comparison has to be a number or a property`);
}

function order(left: SqlNode, right: SqlNode, accepts: (sign: number) => boolean): Truth {
  checkOrdered(left, 'first');
  checkOrdered(right, 'other');
  return (properties) => {
    const first = left.evaluate(properties);
    if (first === null || first === FAILED) return first;
    const second = right.evaluate(properties);
    if (second === FAILED) return FAILED;
    const sign = ordered(first, second);
    return sign === null || sign === FAILED ? sign : accepts(sign);
  };
}

function equality(left: SqlNode, right: SqlNode): Truth {
  return (properties) => {
    const first = left.evaluate(properties);
    if (first === FAILED) return FAILED;
    const second = right.evaluate(properties);
    return second === FAILED ? FAILED : equal(first, second);
  };
}

function not(truth: Truth): Truth {
  return (properties) => {
    const value = truth(properties);
    return typeof value === 'boolean' ? !value : value;
  };
}

/**
 * AND and OR: the first that is `decisive` is the answer, and those behind it are not looked at; a failure they would have
 * had stays unseen. Else one that is unknown makes it unknown.
 */
function decide(truths: readonly Truth[], decisive: boolean): Truth {
  return (properties) => {
    let unknown = false;
    for (const truth of truths) {
      const value = truth(properties);
      if (value === decisive || value === FAILED) return value;
      if (value === null) unknown = true;
    }
    return unknown ? null : !decisive;
  };
}
