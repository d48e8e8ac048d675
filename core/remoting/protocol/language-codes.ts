/** What a peer says it is written in: a name in JSON headers, a byte in binary ones. Matches Apache's LanguageCode. */
export const LanguageCode = {
  JAVA: 0,
  CPP: 1,
  DOTNET: 2,
  PYTHON: 3,
  DELPHI: 4,
  ERLANG: 5,
  RUBY: 6,
  OTHER: 7,
  HTTP: 8,
  GO: 9,
  PHP: 10,
  OMS: 11,
  RUST: 12,
  /** Known to 5.x only; a 4.9 server reads it as null, which is why we say OTHER. */
  NODE_JS: 13,
} as const;

/** One of the numbers in {@link LanguageCode}. */
export type LanguageCode = (typeof LanguageCode)[keyof typeof LanguageCode];

/** What we write for a language that is not in the table, and read a name or number as that is not in it. */
export const LANGUAGE_UNKNOWN = -1;

const NAMES: readonly string[] = Object.keys(LanguageCode);
const CODES: ReadonlyMap<string, number> = new Map(Object.entries(LanguageCode));

/** Name of a code; `OTHER` for one that is not in the table. */
export function languageName(code: number): string {
  return NAMES[code] ?? 'OTHER';
}

/** Code of a name, or {@link LANGUAGE_UNKNOWN}. */
export function languageCodeOf(name: unknown): number {
  return typeof name === 'string' ? (CODES.get(name) ?? LANGUAGE_UNKNOWN) : LANGUAGE_UNKNOWN;
}

/** The code itself when it is in the table, else {@link LANGUAGE_UNKNOWN}. */
export function knownLanguageCode(code: number): number {
  return code >= 0 && code < NAMES.length ? code : LANGUAGE_UNKNOWN;
}
