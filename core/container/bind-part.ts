import type { Container } from 'inversify';
import type { ProducerFacts } from '../pipeline/interceptor.js';
import { ProducerScope, SendStage } from '../pipeline/tokens.js';
import type { Part, PartBinding } from '../plugin/part.js';
import type { Token } from '../runtime/token.js';
import { partOf } from './part-of.js';

const PER_PRODUCER: ReadonlySet<Token<unknown>> = new Set(Object.values(SendStage));

/** Puts what plugins bound in the place of the client's own parts: unbinds and binds. */
export function bindParts(container: Container, bindings: readonly PartBinding[]): void {
  for (const { token, part, producers } of bindings) if (producers === undefined) bindPart(container, token, part);
}

/** The container of one producer: its scope, and what plugins bound for producers like it. */
export function bindProducerParts(
  container: Container,
  scope: ProducerScope,
  bindings: readonly PartBinding[],
  producer: ProducerFacts,
): void {
  container.bind(ProducerScope).toConstantValue(scope);
  for (const { token, part, producers } of bindings) {
    if (!producer.internal && producers?.(producer) === true) bindPart(container, token, part);
  }
}

function bindPart(container: Container, token: Token<unknown>, part: Part<unknown>): void {
  if (container.isCurrentBound(token)) container.unbindSync(token);
  const to = container.bind<unknown>(token);
  if ('value' in part) {
    to.toConstantValue(part.value);
    return;
  }
  const made =
    'type' in part
      ? to.to(part.type)
      : to.toDynamicValue((context) => part.create((needed) => partOf(context, needed)));
  if (PER_PRODUCER.has(token)) made.inTransientScope();
  else made.inSingletonScope();
}
