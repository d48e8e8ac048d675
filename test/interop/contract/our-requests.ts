import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Client, connect } from '../../../core/index.js';
import { drive, type HeaderEncoding } from '../kit/java.js';
import { ANSWERED, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

const COUNT = 20;

/** Requests and replies between our client and Apache's Java client, both ways at once, on whatever broker. */
export function ourRequestsContract(target: () => Target, encoding: HeaderEncoding): void {
  const headerEncoding = encoding === 'JSON' ? 'json' : 'rocketmq';
  let mq: Client;

  beforeAll(async () => {
    mq = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding });
  });

  afterAll(() => mq.close());

  test(`what Java asks we reply to, what we ask Java replies to, many at once, ${encoding} headers`, async () => {
    const { nameServer, clusterName, brokerName } = target();
    const [toJava, toUs] = [`requests_to_java_${encoding}`, `requests_to_us_${encoding}`];
    const producer = await mq.producer({ group: `requests_${encoding}`, ...ANSWERED });
    for (const topic of [toJava, toUs]) await producer.send({ topic, body: 'makes the topic', tag: 'plain' });
    const replier = await mq.consumer({
      group: `replies_${encoding}`,
      subscribe: { [toUs]: 'question' },
      from: 'first',
    });
    const places: unknown[] = [];
    await replier.run(async (message) => {
      const { status, queue } = await message.reply(`re: ${message.body}`);
      places.push([status, queue.topic]);
    });

    const java = drive(inject('java'), nameServer, 'exchange', [toJava, toUs, String(COUNT)], { encoding });
    const bodies = Array.from({ length: COUNT }, (_, index) => (index === 0 ? 'ß'.repeat(10_000) : `ours ${index}`));
    const replies = await Promise.all(bodies.map((body) => producer.request({ topic: toJava, body, tag: 'question' })));
    expect(replies.map(({ body }) => body.toString())).toEqual(bodies.map((body) => `re: ${body}`));
    for (const { topic, brokerName: from, properties } of replies) {
      expect([topic, from, properties.MSG_TYPE]).toEqual([`${clusterName}_REPLY_TOPIC`, brokerName, 'reply']);
    }
    const outcome = await java;
    expect(outcome.exitCode, describeOutcome('exchange', outcome)).toBe(0);
    expect(places).toEqual(Array.from({ length: COUNT }, () => ['SEND_OK', `${clusterName}_REPLY_TOPIC`]));
    expect(mq.statistics).toMatchObject({ awaitedReplies: 0, lateReplies: 0 });
  });
}
