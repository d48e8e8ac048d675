/**
 * Names a replaceable part for the container; the interface of the part sits beside it and carries the same name.
 * `T` is that interface.
 */
export type Token<T> = symbol & { readonly __part?: T };

/** Makes a token. It is a registered symbol, so that two copies of the package (ESM and CommonJS) agree. */
export function token<T>(name: string): Token<T> {
  return Symbol.for(`multistage.${name}`) as Token<T>;
}
