import assert from 'node:assert/strict';
import type { RawMessage } from '../../producer/producer.js';

/** A message that throws where somebody writes to it; the bytes of its body, which cannot be frozen, are compared. */
export function frozenMessage(message: RawMessage): { readonly message: RawMessage; assertUnchanged(): void } {
  const body = Buffer.from(message.body as Uint8Array);
  const copy = Buffer.from(body);
  const frozen = { ...message, body: copy };
  for (const part of [frozen.properties, frozen.systemProperties, frozen.keys]) Object.freeze(part);
  Object.freeze(frozen);
  return {
    message: frozen,
    assertUnchanged: () => assert.deepEqual(copy, body, 'it changed the body of the message it was given'),
  };
}
