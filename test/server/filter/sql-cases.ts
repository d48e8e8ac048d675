import cases from './sql-cases.json' with { type: 'json' };

/** What a broker makes of an expression. */
export interface SqlCase {
  readonly expression: string;
  /** Names of the messages of sql-messages.ts that match; absent where the expression is refused. */
  readonly matches?: readonly string[];
  /** Where it is refused, from 1; absent where it is grammatical and has no meaning. */
  readonly place?: { readonly line: number; readonly column: number };
}

/** As Apache's broker 4.9.7 answered: CHECK_CLIENT_CONFIG for the refusals, a pull for the matches. */
export const SQL_CASES: readonly SqlCase[] = (cases as [string, string | { line: number; column: number }][]).map(
  ([expression, answer]) => {
    if (typeof answer === 'object') return { expression, place: answer };
    if (answer === 'meaningless') return { expression };
    return { expression, matches: answer.split(' ').filter((name) => name !== '') };
  },
);

/** Operators that 5.x added, as its broker answers. */
export const SQL_CASES_OF_5: readonly SqlCase[] = [
  { expression: "s CONTAINS 'hell'", matches: ['five', 'huge'] },
  { expression: "s contains 'HELL'", matches: [] },
  { expression: "s NOT CONTAINS 'hello'", matches: ['huge'] },
  { expression: "NOT s CONTAINS 'hello'", matches: [] },
  { expression: "s STARTSWITH 'sh'", matches: ['huge'] },
  { expression: "s NOT STARTSWITH 'sh'", matches: ['five'] },
  { expression: "s ENDSWITH 'lo'", matches: ['five'] },
  { expression: "s NOT ENDSWITH 'lo'", matches: ['huge'] },
  { expression: "s CONTAINS ''", matches: [] },
  { expression: "s NOT CONTAINS ''", matches: [] },
  { expression: "missing NOT CONTAINS 'x'", matches: [] },
  { expression: "5 CONTAINS '5'", matches: [] },
  { expression: "'shell' CONTAINS 'hell' AND a = 10", matches: ['ten'] },
  { expression: "s CONTAINS 'hell' IS NULL", matches: [] },
  { expression: 's CONTAINS 5', place: { line: 1, column: 12 } },
  { expression: 's CONTAINS b', place: { line: 1, column: 12 } },
  { expression: 's CONTAINS', place: { line: 1, column: 10 } },
  { expression: "s CONTAINS ('x')", place: { line: 1, column: 12 } },
];
