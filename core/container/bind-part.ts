import type { Container } from 'inversify';
import type { ProducerFacts } from '../pipeline/interceptor.js';
import { ProducerScope, SendStage } from '../pipeline/tokens.js';
import { guardedPart, type PartLimit } from '../plugin/guarded-part.js';
import type { Part, PartBinding } from '../plugin/part.js';
import { pluginFailure } from '../plugin/plugin-failure.js';
import type { Token } from '../runtime/token.js';
import { partOf, type Resolver } from './part-of.js';

const PER_PRODUCER: ReadonlySet<Token<unknown>> = new Set(Object.values(SendStage));

/** Puts what plugins bound in the place of the client's own parts: unbinds and binds. */
export function bindParts(container: Container, bindings: readonly PartBinding[], limit: PartLimit): void {
  for (const binding of bindings) if (binding.producers === undefined) bindPart(container, binding, limit);
}

/** The container of one producer: its scope, and what plugins bound for producers like it. */
export function bindProducerParts(
  container: Container,
  scope: ProducerScope,
  bindings: readonly PartBinding[],
  producer: ProducerFacts,
  limit: PartLimit,
): void {
  container.bind(ProducerScope).toConstantValue(scope);
  if (producer.internal) return;
  for (const binding of bindings) if (isFor(producer, binding)) bindPart(container, binding, limit);
}

/** The plugin whose part a producer has under a token; of several the one that was bound last. */
export function binderOf(
  bindings: readonly PartBinding[],
  token: Token<unknown>,
  producer: ProducerFacts,
): string | undefined {
  const isBound = (binding: PartBinding): boolean =>
    binding.token === token && (binding.producers === undefined || (!producer.internal && isFor(producer, binding)));
  return bindings.findLast(isBound)?.plugin;
}

function isFor(producer: ProducerFacts, { plugin, producers }: PartBinding): boolean {
  try {
    return producers?.(producer) === true;
  } catch (error) {
    throw pluginFailure(plugin, 'choosing the producers that it binds for', error);
  }
}

function bindPart(container: Container, binding: PartBinding, limit: PartLimit): void {
  const { plugin, token, part } = binding;
  if (container.isCurrentBound(token)) container.unbindSync(token);
  const to = container.bind<unknown>(token);
  if ('value' in part) {
    to.toConstantValue(guardedPart(binding, part.value, limit));
    return;
  }
  const make = makerOf(container, token, part);
  const made = to.toDynamicValue((context) => {
    try {
      return guardedPart(binding, make(context), limit);
    } catch (error) {
      throw pluginFailure(plugin, `what it binds under ${token.description ?? 'a token'}`, error);
    }
  });
  if (PER_PRODUCER.has(token)) made.inTransientScope();
  else made.inSingletonScope();
}

function makerOf(
  container: Container,
  token: Token<unknown>,
  part: Exclude<Part<unknown>, { readonly value: unknown }>,
): (context: Resolver) => unknown {
  if ('create' in part) return (context) => part.create((needed) => partOf(context, needed));
  // Under a name of its own, so that what its constructor throws can be caught.
  const own: Token<unknown> = Symbol(token.description);
  container.bind(own).to(part.type).inTransientScope();
  return (context) => partOf(context, own);
}
