import type { Token } from '../runtime/token.js';

/** A container, or the context of a resolution in it. */
export interface Resolver {
  get<T>(identifier: symbol): T;
}

/** The part under a token, with the token's type: inversify's own `get` knows symbols only. */
export function partOf<T>(resolver: Resolver, token: Token<T>): T {
  return resolver.get<T>(token);
}
