import { describe, expect, inject, test } from 'vitest';
import { drive, type HeaderEncoding, mqadmin } from './kit/java.js';
import { readReceived, readSent, writeOutgoing } from './kit/message-lines.js';
import { describeOutcome } from './kit/processes.js';

/**
 * The yardstick itself: what the other files expect of our server and client holds between Apache's own client and
 * server, with both header encodings.
 */
describe.each<HeaderEncoding>(['JSON', 'ROCKETMQ'])("Apache's client on Apache's broker, %s headers", (encoding) => {
  test.each(['sync', 'async', 'oneway', 'large'])('scenario %s holds', async (scenario) => {
    const { nameServer } = inject('apache');
    const topic = `alone_${scenario}_${encoding}`;
    const outcome = await drive(inject('java'), nameServer, scenario, [topic], { encoding });
    expect(outcome.exitCode, describeOutcome(scenario, outcome)).toBe(0);
    expect(outcome.stdout).toContain('ok ');
  });

  test('what its producer is told to send is what its consumer prints', async () => {
    const { nameServer } = inject('apache');
    const topic = `alone_exchange_${encoding}`;
    const sent = {
      topic,
      body: Buffer.from('körper'),
      keys: 'k1 k2',
      tag: 'T',
      flag: 7,
      properties: { näme: 'wert "' },
    };
    const input = [writeOutgoing(sent), writeOutgoing({ ...sent, mode: 'async' })].join('\n');
    const produced = await drive(inject('java'), nameServer, 'produce', [], { encoding, input });
    expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
    expect(readSent(produced.stdout).map(({ status }) => status)).toEqual(['SEND_OK', 'SEND_OK']);
    const args = [topic, `g_${topic}`, '2', '40'];
    const consumed = await drive(inject('java'), nameServer, 'consume', args, { encoding });
    expect(consumed.exitCode, describeOutcome('consume', consumed)).toBe(0);
    const received = readReceived(consumed.stdout);
    expect(received).toHaveLength(2);
    for (const message of received) {
      expect(message).toMatchObject({ topic, body: sent.body, keys: 'k1 k2', tag: 'T', flag: 7 });
      expect(message.properties.get('näme')).toBe('wert "');
    }
  });
});

test('mqadmin lists the cluster', async () => {
  const { nameServer, clusterName, brokerName, brokerAddress } = inject('apache');
  const outcome = await mqadmin(inject('java'), nameServer, 'clusterList');
  expect(outcome.exitCode, describeOutcome('clusterList', outcome)).toBe(0);
  expect(outcome.stdout).toMatch(new RegExp(`${clusterName}\\s+${brokerName}\\s+0\\s+${brokerAddress}\\s+V4_9_7`));
});
