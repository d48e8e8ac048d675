import { describe, expect, onTestFinished, test } from 'vitest';
import { type Client, type ConsumerEvent, connect, describeTrace } from '../../../core/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import type { Target } from '../kit/target.js';

/** Our push consumer popping from whatever broker that knows it. */
export function ourPopContract(target: () => Target): void {
  async function setup(topic: string, bodies: readonly string[], plugins: Parameters<typeof connect>[0] = {}) {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer, ...plugins });
    onTestFinished(() => mq.close());
    const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
    const results = await producer.sendBatch(bodies.map((body) => ({ topic, body, tag: 't' })));
    return { mq, msgIds: results.map(({ msgId }) => msgId) };
  }

  const consumerOf = (mq: Client, topic: string, messageRequestMode: 'pop' | 'assigned') =>
    mq.consumer({ group: `${topic}_group`, subscribe: { [topic]: 't' }, from: 'first', messageRequestMode });

  describe('our consumer that pops', () => {
    test('acknowledges, retries, makes dead letters, keeps what takes long, and is traced', async () => {
      const topic = 'ours_popped';
      const plugin = tracing();
      const { mq, msgIds } = await setup(topic, ['good', 'again', 'dead', 'slow'], { plugins: [plugin] });
      const consumer = await mq.consumer({
        ...{ group: `${topic}_group`, subscribe: { [topic]: 't' }, from: 'first', messageRequestMode: 'pop' },
        popInvisibleTimeMs: 8_000,
      });
      const handled: string[] = [];
      const events: ConsumerEvent[] = [];
      consumer.events$.subscribe((event) => events.push(event));
      await consumer.run(async (message, { attempt }) => {
        const body = message.body.toString();
        if (body === 'dead') message.deadLetter('broken');
        if (body === 'again' && attempt === 0) message.retry({ after: '1s' });
        if (body === 'slow') await new Promise((resolve) => setTimeout(resolve, 10_000));
        handled.push(`${message.topic} ${body} ${message.msgId === msgIds[0] ? 'first' : ''} ${attempt}`);
      });
      const office = await mq.consumer({
        ...{ group: `${topic}_office`, subscribe: { [`%DLQ%${topic}_group`]: '*' }, from: 'first' },
      });
      const dead: string[] = [];
      await office.run(({ body, msgId }) => void dead.push(`${body} ${msgId}`));
      await waitFor('each is handled', async () => handled.length >= 5 && dead.length >= 1);
      expect(handled.sort()).toEqual([
        `${topic} again  0`,
        `${topic} again  1`,
        `${topic} dead  0`,
        `${topic} good first 0`,
        `${topic} slow  0`,
      ]);
      expect(dead).toEqual([`dead ${msgIds[2]}`]);
      const failures = ['ackFailed', 'receiptExpired', 'sendBackFailed', 'pullFailed'];
      expect(events.filter(({ type }) => failures.includes(type))).toEqual([]);
      expect(consumer.health()).toMatchObject({ verdict: 'healthy' });
      const traces = mq.plugin(plugin);
      await traces.flush();
      const traced = async () => mq.admin.trace(msgIds[0]!);
      await waitFor('a trace', async () => (await traced()).groups.length > 0);
      const trace = await traced();
      expect(trace, describeTrace(trace)).toMatchObject({
        sends: [{ success: true }],
        groups: [{ group: `${topic}_group`, deliveries: [{ retryTimes: 0, end: { success: true } }] }],
      });
    });

    test('loses nothing while members join and leave, and repeats nothing once all is acknowledged', async () => {
      const topic = 'ours_popped_by_many';
      const bodies = Array.from({ length: 300 }, (_, index) => `${index}`);
      const { mq } = await setup(topic, bodies.slice(0, 100));
      const got = new Map<string, number>();
      const join = async (one: Client, mode: 'pop' | 'assigned') => {
        const consumer = await consumerOf(one, topic, mode);
        await consumer.run(async ({ body }) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          got.set(body.toString(), (got.get(body.toString()) ?? 0) + 1);
        });
        return consumer;
      };
      const first = await join(mq, 'pop');
      // As Java's client with clientRebalance off: the broker says that the group pops.
      await mq.admin.setMessageRequestMode(topic, `${topic}_group`, 'pop');
      const { mq: other } = await setup(topic, bodies.slice(100, 200));
      const second = await join(other, 'assigned');
      expect(second.assignment().map(({ queueId }) => queueId)).toEqual([-1]);
      await first.close();
      await setup(topic, bodies.slice(200));
      await waitFor('all are handled', async () => got.size === 300);
      expect([...got.values()].filter((times) => times > 1)).toEqual([]);
    });
  });
}
