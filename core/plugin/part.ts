import type { ProducerFacts } from '../pipeline/interceptor.js';
import type { ResolveFromScope } from '../pipeline/tokens.js';
import type { Token } from '../runtime/token.js';

/**
 * What a plugin puts in the place of a part: the part itself, a function that makes it from other parts, or a class whose
 * constructor parameters each carry `@inject(token)`. Stages are made once per producer, everything else once per client.
 */
export type Part<T> =
  | { readonly value: T }
  | { readonly create: (resolve: ResolveFromScope) => T }
  // biome-ignore lint/suspicious/noExplicitAny: a class is resolved by its tokens, whatever its parameters
  | { readonly type: new (...parameters: any[]) => T };

/** For `host.bind`. */
export interface BindOptions {
  /**
   * Only for the pipelines of the producers for which this is true; the others keep the part they have. For stages and
   * whatever else a producer's pipeline is resolved from.
   */
  readonly producers?: (producer: ProducerFacts) => boolean;
}

/** One `bind` of a plugin, as the composition root carries it out. */
export interface PartBinding {
  readonly plugin: string;
  readonly token: Token<unknown>;
  readonly part: Part<unknown>;
  readonly producers: ((producer: ProducerFacts) => boolean) | undefined;
}
