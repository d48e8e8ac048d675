import { type Token, token } from './token.js';

/** Chance: 0 up to but not 1, as Math.random. Decides about first choices and jitter, never about secrets. */
export type Random = () => number;

export const Random: Token<Random> = token('Random');
