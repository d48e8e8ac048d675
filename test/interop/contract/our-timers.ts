import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../core/index.js';
import { collect } from '../kit/collect.js';
import type { Target } from '../kit/target.js';

/** Messages that are timed to an instant, and taken back: by our client, on a broker with timers. */
export function ourTimersContract(target: () => Target): void {
  test('a timed message comes when it is due, and one that was taken back does not', async () => {
    const servers = { nameServers: target().nameServer };
    const mq = await connect(servers);
    onTestFinished(() => mq.close());
    const producer = await mq.producer({ group: 'our_timers', timeoutMs: 15_000 });
    const topic = 'our_timers';
    const sentAt = Date.now();
    const never = await producer.send({ topic, body: 'never', deliverAt: sentAt + 4_000 });
    const instant = await producer.send({ topic, body: 'instant', deliverAt: new Date(sentAt + 4_000) });
    await producer.send({ topic, body: 'duration', delay: '4100ms' });
    const level = await producer.send({ topic, body: 'level', delay: '5s' });
    expect(level.recallHandle).toBeUndefined();
    expect(instant.recallHandle).toEqual(expect.any(String));
    expect(await producer.recall(topic, never.recallHandle ?? '')).toBe(never.msgId);
    const messages = await collect(servers, topic, 3);
    const waited = new Map(messages.map(({ body, storeTimestamp }) => [body.toString(), storeTimestamp - sentAt]));
    expect([...waited.keys()].sort()).toEqual(['duration', 'instant', 'level']);
    for (const waitedMs of waited.values()) {
      expect(waitedMs).toBeGreaterThanOrEqual(4_000);
      expect(waitedMs).toBeLessThan(8_000);
    }
    await expect(producer.recall(topic, never.recallHandle ?? '')).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 604,
    });
  });
}
