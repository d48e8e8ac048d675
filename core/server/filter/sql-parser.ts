import {
  andNode,
  betweenNode,
  constantNode,
  equalNode,
  inNode,
  isNullNode,
  negationOf,
  notNode,
  orderNode,
  orNode,
  propertyNode,
  type SqlNode,
  searchNode,
  truthNode,
  truthOf,
} from './sql-nodes.js';
import { SqlProblem } from './sql-problem.js';
import { type SqlToken, type SqlTokenKind, SqlTokens } from './sql-tokens.js';
import { integerLiteral } from './sql-values.js';

/**
 * The grammar, as Apache's SelectorParser has it:
 *
 *     selector    = or
 *     or          = and { OR and }
 *     and         = equality { AND equality }
 *     equality    = comparison { ( = | <> ) comparison | IS [NOT] NULL }
 *     comparison  = unary { ( > | >= | < | <= ) unary
 *                         | [NOT] BETWEEN unary AND unary
 *                         | [NOT] IN ( text { , text } )
 *                         | [NOT] ( CONTAINS | STARTSWITH | ENDSWITH ) text }
 *     unary       = ( + | - | NOT ) unary | primary
 *     primary     = text | number | TRUE | FALSE | NULL | property | ( or )
 *
 * What follows a whole selector is not looked at: `a = 1 b` is `a = 1`. CONTAINS, STARTSWITH and ENDSWITH are words of the
 * language only where an operator can stand (5.x has them; in 4.9 a property may be called so).
 */

const ORDERS: Readonly<Record<string, (sign: number) => boolean>> = {
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
};

const SEARCHES: Readonly<Record<string, (value: string, search: string) => boolean>> = {
  CONTAINS: (value, search) => value.includes(search),
  STARTSWITH: (value, search) => value.startsWith(search),
  ENDSWITH: (value, search) => value.endsWith(search),
};

/** Parentheses, signs and comparisons of comparisons may be nested so deep, not deeper: the text comes from whoever can connect. */
const DEPTH_MAX = 200;

/** @throws SqlProblem */
export function parseSql(source: string): SqlNode {
  return new Parser(source).selector();
}

class Parser {
  readonly #tokens: SqlTokens;
  #ahead: SqlToken | undefined;
  #depth = 0;

  constructor(source: string) {
    this.#tokens = new SqlTokens(source);
  }

  selector(): SqlNode {
    return truthNode(truthOf(this.#or()));
  }

  #or(): SqlNode {
    const first = this.#and();
    const others: SqlNode[] = [];
    while (this.#takes('keyword', 'OR')) others.push(this.#and());
    return others.length === 0 ? first : orNode([first, ...others]);
  }

  #and(): SqlNode {
    const first = this.#equality();
    const others: SqlNode[] = [];
    while (this.#takes('keyword', 'AND')) others.push(this.#equality());
    return others.length === 0 ? first : andNode([first, ...others]);
  }

  #equality(): SqlNode {
    let left = this.#comparison();
    for (let links = 0; ; links++) {
      this.#checkDepth(links);
      if (this.#takes('symbol', '=')) left = equalNode(left, this.#comparison(), true);
      else if (this.#takes('symbol', '<>')) left = equalNode(left, this.#comparison(), false);
      else if (this.#takes('keyword', 'IS')) {
        const wanted = !this.#takes('keyword', 'NOT');
        this.#expect('keyword', 'NULL');
        left = isNullNode(left, wanted);
      } else return left;
    }
  }

  #comparison(): SqlNode {
    let left = this.#unary();
    for (let links = 0; ; links++) {
      this.#checkDepth(links);
      const { kind, value } = this.#peek();
      const accepts = kind === 'symbol' ? ORDERS[value] : undefined;
      if (accepts) {
        this.#take();
        left = orderNode(left, this.#unary(), accepts);
      } else if (kind === 'keyword' && value === 'NOT') left = this.#negatedOperator(left);
      else if (this.#isOperator()) left = this.#operator(left, true);
      else return left;
    }
  }

  #negatedOperator(left: SqlNode): SqlNode {
    const not = this.#take();
    if (this.#isOperator()) return this.#operator(left, false);
    throw new SqlProblem('NOT is no operator between two operands', not);
  }

  #isOperator(): boolean {
    const { kind, value } = this.#peek();
    if (kind === 'keyword') return value === 'BETWEEN' || value === 'IN';
    return kind === 'word' && value.toUpperCase() in SEARCHES;
  }

  #operator(left: SqlNode, wanted: boolean): SqlNode {
    const operator = this.#take().value.toUpperCase();
    if (operator === 'BETWEEN') {
      const low = this.#unary();
      this.#expect('keyword', 'AND');
      return betweenNode(left, low, this.#unary(), wanted);
    }
    if (operator === 'IN') return inNode(left, this.#texts(), wanted);
    const finds = SEARCHES[operator];
    if (finds === undefined) throw this.#unexpected(this.#peek());
    return searchNode(left, this.#text(), finds, wanted);
  }

  #texts(): string[] {
    this.#expect('symbol', '(');
    const texts = [this.#text()];
    while (this.#takes('symbol', ',')) texts.push(this.#text());
    this.#expect('symbol', ')');
    return texts;
  }

  #text(): string {
    const token = this.#peek();
    if (token.kind !== 'text') throw this.#unexpected(token, 'a text in single quotes');
    return this.#take().value;
  }

  #unary(): SqlNode {
    this.#checkDepth(++this.#depth);
    const node = this.#unaryAt();
    this.#depth--;
    return node;
  }

  #unaryAt(): SqlNode {
    if (this.#takes('symbol', '+')) return this.#unary();
    if (this.#takes('symbol', '-')) return negationOf(this.#unary());
    if (this.#takes('keyword', 'NOT')) return notNode(this.#unary());
    return this.#primary();
  }

  #primary(): SqlNode {
    const token = this.#peek();
    switch (token.kind) {
      case 'text':
        return constantNode(this.#take().value);
      case 'word':
        return propertyNode(this.#take().value);
      case 'integer':
        return this.#integer();
      case 'decimal':
        return this.#decimal();
      case 'keyword':
        return this.#literal(token);
      default:
        return this.#inParentheses(token);
    }
  }

  #literal(token: SqlToken): SqlNode {
    if (this.#takes('keyword', 'TRUE')) return constantNode(true);
    if (this.#takes('keyword', 'FALSE')) return constantNode(false);
    if (this.#takes('keyword', 'NULL')) return constantNode(null);
    throw this.#unexpected(token);
  }

  #inParentheses(token: SqlToken): SqlNode {
    if (!this.#takes('symbol', '(')) throw this.#unexpected(token);
    const node = this.#or();
    this.#expect('symbol', ')');
    return node;
  }

  #integer(): SqlNode {
    const { value } = this.#take();
    const integer = integerLiteral(value);
    if (integer === undefined) throw new SqlProblem(`${value} is beyond 64 bits`);
    return constantNode(integer);
  }

  /** Java's smallest double is above zero, and so Apache's parser takes 0.0 for too small. */
  #decimal(): SqlNode {
    const { value } = this.#take();
    const number = Number(value);
    if (!Number.isFinite(number) || number < Number.MIN_VALUE) {
      throw new SqlProblem(`${value} is not between ${Number.MIN_VALUE} and ${Number.MAX_VALUE}`);
    }
    return constantNode(number);
  }

  #expect(kind: SqlTokenKind, value: string): void {
    const token = this.#peek();
    if (!this.#takes(kind, value)) throw this.#unexpected(token, value);
  }

  #checkDepth(depth: number): void {
    if (depth > DEPTH_MAX) throw new SqlProblem(`it is nested more than ${DEPTH_MAX} deep`, this.#peek());
  }

  #takes(kind: SqlTokenKind, value: string): boolean {
    const token = this.#peek();
    if (token.kind !== kind || token.value !== value) return false;
    this.#take();
    return true;
  }

  #peek(): SqlToken {
    this.#ahead ??= this.#read();
    return this.#ahead;
  }

  #take(): SqlToken {
    const token = this.#peek();
    this.#ahead = undefined;
    return token;
  }

  #read(): SqlToken {
    const token = this.#tokens.next();
    if ('lexicalError' in token) throw new SqlProblem(`it does not go on with ${token.lexicalError}`, token);
    return token;
  }

  #unexpected(token: SqlToken, expected?: string): SqlProblem {
    const found = token.kind === 'end' ? 'the end' : `"${token.value}"`;
    const wanted = expected === undefined ? '' : ` where ${expected} is expected`;
    return new SqlProblem(`it does not go on with ${found}${wanted}`, token);
  }
}
