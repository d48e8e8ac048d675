import type { OutgoingMessage } from './message.js';
import { frozenBatch, messagesOf } from './outgoing-batch.js';

/**
 * A copy of a message that nobody can change, but for the bytes of its body: what interceptors are shown, so that none of
 * them changes what its caller holds. An object with a prototype of its own stays as it is: a copy might lose what that adds.
 */
export function frozenMessage<M extends OutgoingMessage>(message: M): M {
  const messages = messagesOf(message);
  if (messages !== undefined) return frozenBatch(message, messages.map(frozenMessage)) as M;
  if (Object.getPrototypeOf(message) !== Object.prototype) return message;
  const copy: { -readonly [K in keyof OutgoingMessage]: OutgoingMessage[K] } = copyOf(message);
  if (copy.properties !== undefined) copy.properties = Object.freeze(copyOf(copy.properties));
  if (copy.systemProperties !== undefined) copy.systemProperties = Object.freeze(copyOf(copy.systemProperties));
  if (Array.isArray(copy.keys)) copy.keys = Object.freeze([...copy.keys]);
  return Object.freeze(copy) as M;
}

/** The same as a spread, which V8 takes 2 µs to freeze; what is put together field by field takes a tenth of that. */
function copyOf<T extends object>(given: T): T {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    // Assigned, it would be no field.
    if (name === '__proto__') return { ...given };
    copy[name] = (given as Readonly<Record<string, unknown>>)[name];
  }
  return Object.getOwnPropertySymbols(given).length === 0 ? (copy as T) : { ...given };
}
