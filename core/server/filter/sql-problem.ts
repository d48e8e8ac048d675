/** Why a text is no filter; thrown inside the compiler and returned by its door. */
export class SqlProblem extends Error {
  readonly #place: { readonly line: number; readonly column: number } | undefined;

  /** @param place where it is wrong, from 1; absent where the text is grammatical but has no meaning */
  constructor(reason: string, place?: { readonly line: number; readonly column: number }) {
    super(reason);
    this.#place = place && { line: place.line, column: place.column };
  }

  get place(): { readonly line: number; readonly column: number } | undefined {
    return this.#place;
  }

  static is(error: unknown): error is SqlProblem {
    return typeof error === 'object' && error !== null && #place in error;
  }
}
