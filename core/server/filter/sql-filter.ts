import type { Properties } from '../../message/message.js';
import { parseSql } from './sql-parser.js';
import { SqlProblem } from './sql-problem.js';

/** A compiled SQL92 expression. */
export interface SqlFilter {
  /** Whether the expression is true of a message: neither false nor unknown, and evaluation did not fail. */
  matches(properties: Properties): boolean;
}

/** Why an expression is none. */
export interface SqlRefusal {
  /** In a sentence, with the place where there is one. */
  readonly reason: string;
  /** From 1; absent where the expression is grammatical but has no meaning. */
  readonly line?: number;
  readonly column?: number;
}

/**
 * Compiles a filter over message properties. Three-valued: a property that is missing is unknown, and what is compared with
 * it is unknown too. Matches Apache's SqlFilter (rocketmq-filter); the operators that 5.x added are understood as well.
 */
export function compileSql(expression: string): SqlFilter | SqlRefusal {
  try {
    const { evaluate } = parseSql(expression);
    return { matches: (properties) => evaluate(properties) === true };
  } catch (error) {
    if (!SqlProblem.is(error)) throw error;
    const { message, place } = error;
    if (place === undefined) return { reason: message };
    return { reason: `${message}, at line ${place.line}, column ${place.column}.`, ...place };
  }
}
