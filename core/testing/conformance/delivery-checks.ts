import assert from 'node:assert/strict';
import type { DeliveryOutcome } from '../../consumer/delivery/delivery.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { RawMessage } from '../../producer/producer.js';
import type { ClaimedChange } from './options.js';
import type { Trial } from './trial.js';
import { assertUnchanged } from './unchanged.js';

type Check = (trial: Trial, changes: ReadonlySet<ClaimedChange>) => Promise<void>;

/** What a plugin owes the messages that are delivered through it. */
export const DELIVERY_CHECKS: Readonly<Record<string, Check>> = {
  'hands a delivered message on once, and its acknowledgement back': async (trial, changes) => {
    const handled = await deliver(trial, () => undefined);
    assert.equal(handled.length, 1, `the handler was called ${handled.length} times for one message`);
    assertSameOutcomes(trial, changes);
    assert.deepEqual(outcomesOf(trial, 'outer'), ['ack'], 'outcomes of the delivery');
  },

  'hands a failure of the handler back, so that the message comes again': async (trial, changes) => {
    let calls = 0;
    const handled = await deliver(trial, () => {
      if (++calls === 1) throw new Error('the handler of the conformance kit fails once');
    });
    assert.equal(handled.length, 2, `the handler was called ${handled.length} times, of which the first failed`);
    assertSameOutcomes(trial, changes);
  },

  'hands a batch of messages on, and the outcome back': async (trial, changes) => {
    const { kit, mq, producer, message } = trial;
    const { queue } = await producer.send(message);
    await producer.send(message, { queue });
    const consumer = await mq.consumer({ ...consuming(message), batchSize: 2 });
    let handled = 0;
    await consumer.runBatch(({ length }) => {
      handled += length;
    });
    await kit.clock.advance('1m');
    assert.equal(handled, 2, `the handler got ${handled} messages of two`);
    assertSameOutcomes(trial, changes);
  },

  'does not change the messages it delivers': async (trial, changes) => {
    await deliver(trial, () => undefined);
    assertUnchanged(trial, 'filter', changes);
    assertUnchanged(trial, 'delivery', changes);
  },
};

/** Sends one message and has it handled, retries included. */
async function deliver(
  { kit, mq, producer, message }: Trial,
  handle: (message: ReceivedMessage) => unknown,
): Promise<ReceivedMessage[]> {
  await producer.send(message);
  const handled: ReceivedMessage[] = [];
  const consumer = await mq.consumer(consuming(message));
  await consumer.run((received: ReceivedMessage) => {
    handled.push(received);
    return handle(received);
  });
  await kit.clock.advance('1m');
  return handled;
}

function consuming({ topic }: RawMessage) {
  return { group: 'conformance-consumer', subscribe: { [topic]: '*' }, from: 'first' } as const;
}

function assertSameOutcomes({ probes }: Trial, changes: ReadonlySet<ClaimedChange>): void {
  if (changes.has('outcome')) return;
  const inner = probes.of('delivery', 'inner');
  for (const [index, outer] of probes.of('delivery', 'outer').entries()) {
    assert.equal(outer.results.length, 1, `it handed ${outer.results.length} outcomes of a delivery back`);
    assert.equal(outer.results[0], inner[index]?.results[0], 'it put another outcome in the place of the one it got');
  }
}

function outcomesOf({ probes }: Trial, side: 'outer' | 'inner'): string[] {
  return probes
    .of('delivery', side)
    .flatMap((pass) => pass.results.map((outcome) => (outcome as DeliveryOutcome).kind));
}
