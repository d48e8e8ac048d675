import { describe, expect, inject, test } from 'vitest';
import { drive, type HeaderEncoding } from '../kit/java.js';
import { readReceived, readSent, writeOutgoing } from '../kit/message-lines.js';
import { describeOutcome } from '../kit/processes.js';
import { specimens } from '../kit/specimens.js';
import type { Target } from '../kit/target.js';

/** java/Drive.java has them, with what each expects. */
const SCENARIOS = [
  ...['sync', 'async', 'oneway', 'large', 'batch', 'delay', 'transaction', 'request'],
  ...['tags', 'sql', 'orderly', 'retry', 'trace', 'pull', 'broadcast', 'admin', 'waiting', 'share'],
] as const;

/** What Apache's Java client 4.9.8 expects of a name server and broker, with both of its header encodings. The broker has to allow filters over properties. */
export function javaClientContract(target: () => Target): void {
  // Most of each is waiting: they run side by side.
  const encodings = describe.concurrent.each<HeaderEncoding>(['JSON', 'ROCKETMQ']);
  encodings("Apache's Java client with %s headers", (encoding) => {
    test.each(SCENARIOS)('scenario %s holds', async (scenario) => {
      const topic = `java_${scenario}_${encoding}`;
      const outcome = await drive(inject('java'), target().nameServer, scenario, [topic], { encoding });
      expect(outcome.exitCode, describeOutcome(scenario, outcome)).toBe(0);
      expect(outcome.stdout).toMatch(/^ok /m);
    });

    test('what its producer sends, its push consumer reads byte for byte', async () => {
      const topic = `java_exchange_${encoding}`;
      const { nameServer, brokerName } = target();
      const sent = specimens().filter(({ body }) => body.length < 100_000);
      const input = sent
        .map(({ keys, ...rest }) => writeOutgoing({ topic, keys: keys?.join(' '), ...rest }))
        .join('\n');
      const produced = await drive(inject('java'), nameServer, 'produce', [], { encoding, input });
      expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
      const positions = readSent(produced.stdout);
      expect(positions).toHaveLength(sent.length);

      const args = [topic, `group_${topic}`, String(sent.length)];
      const consumed = await drive(inject('java'), nameServer, 'consume', args, { encoding });
      expect(consumed.exitCode, describeOutcome('consume', consumed)).toBe(0);
      const received = new Map(readReceived(consumed.stdout).map((message) => [message.msgId, message]));
      expect(received.size).toBe(sent.length);
      for (const [index, { name, body, keys, tag, flag = 0, properties = {} }] of sent.entries()) {
        const { msgId = '', queueId, queueOffset } = positions[index] ?? {};
        const message = received.get(msgId);
        expect(message, name).toMatchObject({
          topic,
          brokerName,
          queueId,
          queueOffset,
          flag,
          tag,
          keys: keys?.join(' '),
        });
        expect(message?.body.equals(body), `body of ${name}`).toBe(true);
        for (const [property, value] of Object.entries(properties)) {
          expect(message?.properties.get(property), `a property of ${name}`).toBe(value);
        }
      }
    });
  });
}
