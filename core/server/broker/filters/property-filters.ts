import { inject, injectable } from 'inversify';
import type { Properties } from '../../../message/message.js';
import { readRecord } from '../../../message/message-record.js';
import { decodeProperties } from '../../../message/properties.js';
import { type Token, token } from '../../../runtime/token.js';

/** Compiles an expression over message properties, or says why it cannot; `server/filter` satisfies it by shape. */
export type CompileExpression = (
  expression: string,
) => { matches(properties: Properties): boolean } | { readonly reason: string };

export const CompileExpression: Token<CompileExpression> = token('CompileExpression');

/** Decides by a whole record as it is stored. */
export type RecordMatcher = (record: Buffer) => boolean;

export type PropertyFilter = { readonly matchesRecord: RecordMatcher } | { readonly reason: string };

/** Expressions kept compiled; Apache keeps 100. */
const CACHED_MAX = 256;

/** Filters over properties, each compiled once while it is in use. */
@injectable()
export class PropertyFilters {
  readonly #compile: CompileExpression;
  /** By expression, the one used last at the end. */
  readonly #compiled = new Map<string, PropertyFilter>();

  constructor(@inject(CompileExpression) compile: CompileExpression) {
    this.#compile = compile;
  }

  of(expression: string): PropertyFilter {
    const filter = this.#compiled.get(expression) ?? this.#make(expression);
    this.#compiled.delete(expression);
    this.#compiled.set(expression, filter);
    if (this.#compiled.size > CACHED_MAX) {
      const [oldest = ''] = this.#compiled.keys();
      this.#compiled.delete(oldest);
    }
    return filter;
  }

  #make(expression: string): PropertyFilter {
    const compiled = this.#compile(expression);
    if ('reason' in compiled) return compiled;
    return { matchesRecord: (record) => compiled.matches(decodeProperties(readRecord(record, 0).properties)) };
  }
}
