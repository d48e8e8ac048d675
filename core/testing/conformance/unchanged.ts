import assert from 'node:assert/strict';
import type { ReceivedMessage } from '../../message/message.js';
import type { ClaimedChange } from './options.js';
import { copiesOf, type ReceivingGap } from './probes.js';
import type { Trial } from './trial.js';

/** Holds against a plugin what it changed of messages that came by, unless it does so on purpose. */
export function assertUnchanged({ probes }: Trial, gap: ReceivingGap, changes: ReadonlySet<ClaimedChange>): void {
  const [outer, inner] = [probes.of(gap, 'outer'), probes.of(gap, 'inner')];
  assert.ok(outer.length > 0, `nothing came by at ${gap}`);
  assert.equal(inner.length, outer.length, `of ${outer.length} that came by at ${gap} it handed ${inner.length} on`);
  if (changes.has('delivered messages')) return;
  for (const [index, { context, messages }] of outer.entries()) {
    const left = copiesOf((context as { readonly messages: readonly ReceivedMessage[] }).messages);
    assert.deepEqual(left, messages, 'it wrote to the messages that it was given');
    assert.deepEqual(inner[index]?.messages, messages, 'it handed on other messages than it was given');
  }
}
