import assert from 'node:assert/strict';
import type { Producer, RawMessage } from '../../producer/producer.js';
import type { TestKit } from '../test-kit.js';
import { endTransactions, readBack, requestReply } from './errands.js';
import type { ClaimedChange } from './options.js';
import type { Trial } from './trial.js';

type Check = (trial: Trial, changes: ReadonlySet<ClaimedChange>) => Promise<void>;

/** What a plugin owes the client that it lives with. */
export const LIFE_CHECKS: Readonly<Record<string, Check>> = {
  'has a name': async ({ plugin }) => {
    assert.ok(typeof plugin === 'string' && plugin.trim() !== '', 'its name is no text');
  },

  'survives a close while sends are under way, and a second close': async ({ kit, mq, producer, message }) => {
    await producer.send(message);
    kit.drop('SEND_MESSAGE', { times: Number.POSITIVE_INFINITY });
    const sends = [1, 2, 3].map(() => producer.send(message).catch((error: unknown) => error));
    let closed = false;
    const closing = Promise.all([mq.close({ timeoutMs: 1_000 }), mq.close({ timeoutMs: 1_000 })]).then(() => {
      closed = true;
    });
    await kit.clock.advance('1m');
    assert.ok(closed, 'a minute after its client was closed it had not stopped');
    await closing;
    await mq.close();
    for (const ended of await Promise.all(sends)) {
      assert.ok(typeof ended === 'object', 'a send that nobody answered ended without an error');
    }
    assert.equal(mq.state, 'shut down');
  },

  // What is set once may run out by itself; what is left after a minute goes on for good.
  'leaves no timer behind': async (trial) => {
    const { kit, mq, producer, message, timers } = trial;
    await producer.send(message);
    await endBadly(kit, producer, message);
    await requestReply(trial);
    await readBack(trial);
    endTransactions(trial);
    const consumer = await mq.consumer({ group: 'conformance-consumer', subscribe: { [message.topic]: '*' } });
    await consumer.run(() => undefined);
    await kit.clock.advance('30s');
    await mq.close();
    await kit.clock.advance('1m');
    const { clock, machine } = timers;
    const left = 'that it left behind when its client had closed';
    assert.equal(clock.left, 0, `timers on host.clock ${left}`);
    assert.equal(machine.left, 0, `timers of setTimeout and setInterval ${left}`);
  },
};

/** A send that the broker refuses, and one that its caller gives up. */
async function endBadly(kit: TestKit, producer: Producer, message: RawMessage): Promise<void> {
  kit.refuse('SEND_MESSAGE', { code: 'MESSAGE_ILLEGAL' });
  await producer.send(message).catch(() => undefined);
  kit.drop('SEND_MESSAGE');
  const cancel = new AbortController();
  const sending = producer.send(message, { signal: cancel.signal }).catch(() => undefined);
  cancel.abort();
  await sending;
}
