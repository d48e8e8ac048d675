import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../core/index.js';
import { collect } from '../kit/collect.js';
import { ANSWERED } from '../kit/patience.js';
import type { Target } from '../kit/target.js';

/** Messages that are timed to an instant, and taken back: by our client, on a broker with timers. */
export function ourTimersContract(target: () => Target): void {
  test('a timed message comes when it is due, and one that was taken back does not', async () => {
    const servers = { nameServers: target().nameServer };
    const mq = await connect(servers);
    onTestFinished(() => mq.close());
    const producer = await mq.producer({ group: 'our_timers', ...ANSWERED });
    const topic = 'our_timers';
    // It is due before the last of the others.
    const never = await producer.send({ topic, body: 'never', delay: '5500ms' });
    expect(await producer.recall(topic, never.recallHandle ?? '')).toBe(never.msgId);
    const sentAt = Date.now();
    const instant = await producer.send({ topic, body: 'instant', deliverAt: new Date(sentAt + 6_000) });
    await producer.send({ topic, body: 'duration', delay: '5100ms' });
    const level = await producer.send({ topic, body: 'level', delay: '5s' });
    expect(level.recallHandle).toBeUndefined();
    expect(instant.recallHandle).toEqual(expect.any(String));
    const messages = await collect(servers, topic, 3);
    const waited = new Map(messages.map(({ body, storeTimestamp }) => [body.toString(), storeTimestamp - sentAt]));
    expect([...waited.keys()].sort()).toEqual(['duration', 'instant', 'level']);
    expect(waited.get('instant')).toBeGreaterThanOrEqual(6_000);
    for (const waitedMs of waited.values()) expect(waitedMs).toBeGreaterThanOrEqual(5_000);
    await expect(producer.recall(topic, never.recallHandle ?? '')).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 604,
    });
  });
}
