import assert from 'node:assert/strict';
import { isRocketMQError } from '../../errors/rocketmq-error.js';
import { frozenMessage } from './frozen-message.js';
import type { ClaimedChange } from './options.js';
import type { Pass, Probes } from './probes.js';
import type { Trial } from './trial.js';

type Check = (trial: Trial, changes: ReadonlySet<ClaimedChange>) => Promise<void>;

/** What a plugin owes the sends that pass through it. */
export const SEND_CHECKS: Readonly<Record<string, Check>> = {
  'lets a send, a oneway send and a batch through': async ({ producer, probes, message }) => {
    await producer.send(message);
    await producer.sendOneway(message);
    await producer.sendBatch([message, message]);
    const ended = probes.of('updateFault', 'inner').filter(({ results }) => results.length === 1);
    assert.equal(ended.length, 3, 'sends that came to their end');
  },

  'does not change the message it is given': async ({ producer, message }) => {
    const frozen = frozenMessage(message);
    await producer.send(frozen.message);
    await producer.sendBatch([frozen.message, frozen.message]);
    frozen.assertUnchanged();
  },

  'calls next once for each pass': async ({ kit, producer, probes, message }) => {
    await producer.send(message);
    assert.ok(probes.gaps.length > 0, 'the send went through no gap');
    assertOnePassEach(probes);
    // Another attempt passes the gaps behind select once more.
    kit.refuse('SEND_MESSAGE', { code: 'SYSTEM_BUSY' });
    const attempts = producer.send(message).then(({ attempts }) => attempts);
    await Promise.all([attempts, kit.clock.advance('2s')]);
    assert.equal(await attempts, 2, 'attempts of a send whose first one a busy broker refused');
    assertOnePassEach(probes);
  },

  'passes the result of a send on untouched': async ({ producer, probes, message }, changes) => {
    const result = await producer.send(message);
    if (changes.has('result')) return;
    for (const [outer, inner] of pairs(probes)) {
      assert.equal(outer.results.length, 1, `before ${outer.gap} it emitted ${outer.results.length} results`);
      assert.ok(
        outer.results[0] === inner.results[0],
        `before ${outer.gap} it put another result in the place of the one it got`,
      );
      assert.deepEqual(outer.copies, inner.copies, `before ${outer.gap} it wrote to the result`);
    }
    assert.ok(result.msgId.length > 0, 'the result has no msgId');
  },

  'passes the error of a broker on': async ({ kit, producer, probes, message }) => {
    await producer.send(message);
    probes.passes.length = 0;
    kit.refuse('SEND_MESSAGE', { code: 'MESSAGE_ILLEGAL', times: Number.POSITIVE_INFINITY });
    const error: unknown = await producer.send(message).then(
      () => assert.fail('a send that the broker refused ended well'),
      (reason: unknown) => reason,
    );
    for (const [outer, inner] of pairs(probes)) {
      if (inner.error === undefined) continue;
      assert.ok(outer.error !== undefined, `before ${outer.gap} it swallowed the error that it got`);
      assert.equal(
        outer.error.error,
        inner.error.error,
        `before ${outer.gap} it put another error in the place of the one it got`,
      );
    }
    assert.ok(isRocketMQError(error, 'RMQ_BROKER_ERROR'), `the sender was told ${String(error)}`);
  },

  'lets go of a send that is cancelled': async ({ kit, producer, probes, message, assertNoComplaint }) => {
    await producer.send(message);
    probes.passes.length = 0;
    kit.drop('SEND_MESSAGE');
    const cancel = new AbortController();
    const sending = producer.send(message, { signal: cancel.signal }).then(
      () => assert.fail('a send that was cancelled ended well'),
      (reason: unknown) => reason,
    );
    cancel.abort();
    const error = await sending;
    const passes = probes.sends.length;
    await kit.clock.advance('1m');
    // What it had put off until later must not happen any more.
    assertNoComplaint();
    assert.equal(probes.sends.length, passes, 'passes that began after the send was cancelled');
    assert.ok(isRocketMQError(error, 'RMQ_SEND_ABORTED'), `the sender was told ${String(error)}`);
  },

  'serves several clients at once': async ({ producer, message, another }) => {
    const others = await Promise.all([another(), another()]);
    const producers = await Promise.all(others.map((mq, index) => mq.producer({ group: `conformance-${index}` })));
    const results = await Promise.all([producer, ...producers].map((one) => one.send(message)));
    assert.equal(new Set(results.map(({ msgId }) => msgId)).size, 3, 'ids of three sends');
  },
};

function assertOnePassEach(probes: Probes): void {
  for (const gap of probes.gaps) {
    const [outer, inner] = [probes.of(gap, 'outer').length, probes.of(gap, 'inner').length];
    assert.equal(inner, outer, `before ${gap} it was called ${outer} times and called next ${inner} times`);
  }
}

/** Passes of both sides that belong together: per gap in the order of time, which is that of the sends. */
function pairs(probes: Probes): readonly (readonly [outer: Pass, inner: Pass])[] {
  return probes.gaps.flatMap((gap) => {
    const inner = probes.of(gap, 'inner');
    return probes.of(gap, 'outer').flatMap((outer, index): (readonly [Pass, Pass])[] => {
      const other = inner[index];
      return other === undefined ? [] : [[outer, other]];
    });
  });
}
