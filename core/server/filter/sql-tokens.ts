/** The lexical half of RocketMQ's SQL92 filters. Matches the token definitions of Apache's SelectorParser. */

export type SqlTokenKind = 'word' | 'keyword' | 'text' | 'integer' | 'decimal' | 'symbol' | 'end';

export interface SqlToken {
  readonly kind: SqlTokenKind;
  /** As written; keywords in capitals; a text without its quotes, each doubled quote in it single. */
  readonly value: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units; a tabulator goes on to the next multiple of 8. */
  readonly column: number;
}

/** Where a character stands that begins no token. */
export interface LexicalError {
  readonly lexicalError: string;
  readonly line: number;
  readonly column: number;
}

const KEYWORDS = new Set(['NOT', 'AND', 'OR', 'BETWEEN', 'IN', 'TRUE', 'FALSE', 'NULL', 'IS']);
/** A comment to the end of a line ends with that line's end, or it is none. */
const SKIPPED = /(?:[ \t\n\r\f]|--[^\n\r]*[\n\r]|\/\*[^*]*\*(?:\*|[^*/][^*]*\*)*\/)*/y;
const TEXT = /'(?:''|[^'])*'/y;
const DECIMAL = /\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const INTEGER = /0|[1-9]\d*[lL]?/y;
const WORD = /[a-zA-Z_$][a-zA-Z0-9_$]*/y;
const SYMBOL = /<>|>=|<=|[=<>(),+-]/y;
const TAB_SIZE = 8;

/** How far one has to look to know that no token begins there. */
function lookedAt(rest: string): string {
  if (rest.startsWith("'") || rest.startsWith('/*')) return rest;
  return rest.slice(0, rest[0] === '/' || rest[0] === '.' ? 2 : 1);
}

/** Reads one token at a time: what stands behind a whole expression is never looked at further than one token. */
export class SqlTokens {
  readonly #source: string;
  #index = 0;
  #line = 1;
  #column = 1;
  /** Of the last character that was read: where the end is said to be. */
  #last = { line: 1, column: 0 };

  constructor(source: string) {
    this.#source = source;
  }

  next(): SqlToken | LexicalError {
    this.#advance(this.#match(SKIPPED) ?? '');
    const [line, column] = [this.#line, this.#column];
    const token = (kind: SqlTokenKind, image: string, value = image): SqlToken => {
      this.#advance(image);
      return { kind, value, line, column };
    };
    if (this.#index >= this.#source.length) return { kind: 'end', value: '', ...this.#last };
    const text = this.#match(TEXT);
    if (text !== undefined) return token('text', text, text.slice(1, -1).replaceAll("''", "'"));
    const decimal = this.#match(DECIMAL);
    if (decimal !== undefined) return token('decimal', decimal);
    const integer = this.#match(INTEGER);
    if (integer !== undefined) return token('integer', integer);
    const word = this.#match(WORD);
    if (word !== undefined) {
      const upper = word.toUpperCase();
      return KEYWORDS.has(upper) ? token('keyword', word, upper) : token('word', word);
    }
    const symbol = this.#match(SYMBOL);
    if (symbol !== undefined) return token('symbol', symbol);
    return this.#lexicalError();
  }

  /** Wrong is the last character that was looked at; where the text ends behind it, the end. */
  #lexicalError(): LexicalError {
    const rest = this.#source.slice(this.#index);
    this.#advance(lookedAt(rest));
    const wrong = [...rest][0];
    if (this.#index < this.#source.length) return { lexicalError: `"${wrong}"`, ...this.#last };
    const { line, column } = this.#last;
    const behind =
      rest.endsWith('\n') || rest.endsWith('\r') ? { line: line + 1, column: 0 } : { line, column: column + 1 };
    return { lexicalError: `"${wrong}"`, ...behind };
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#index;
    return pattern.exec(this.#source)?.[0];
  }

  #advance(image: string): void {
    for (let at = 0; at < image.length; at++) {
      const character = image[at];
      this.#last = { line: this.#line, column: this.#column };
      if (character === '\n' || (character === '\r' && this.#source[this.#index + at + 1] !== '\n')) {
        this.#line++;
        this.#column = 1;
      } else if (character === '\t') this.#column += TAB_SIZE - ((this.#column - 1) % TAB_SIZE);
      else this.#column++;
    }
    this.#index += image.length;
  }
}
