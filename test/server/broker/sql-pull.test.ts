import { describe, expect, test } from 'vitest';
import { readRecords } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { waitFor } from '../../kit/wait-for.js';
import { invoke, rawClient, runningServer } from '../kit/running.js';

const TOPIC = 'orders';

/** A server of its own, with sends and pulls of one queue. */
async function setup() {
  const server = await runningServer();
  const client: RemotingClient = rawClient();
  const broker = server.brokerAddress;
  return {
    server,
    async send(body: string, properties: Record<string, string>): Promise<void> {
      const i = encodeProperties(properties).toString();
      const ext = {
        a: 'PG',
        b: TOPIC,
        c: 'TBW102',
        d: 1,
        e: 0,
        f: 0,
        g: Date.now(),
        h: 0,
        i,
        j: 0,
        k: false,
        m: false,
      };
      expect((await invoke(client, broker, RequestCode.SEND_MESSAGE_V2, ext, body)).code).toBe(0);
    },
    async pull(subscription: string, { offset = 0, suspendMs = 0 } = {}) {
      const { code, ext, body } = await invoke(client, broker, RequestCode.PULL_MESSAGE, {
        ...{ consumerGroup: 'G', topic: TOPIC, queueId: 0, queueOffset: offset, maxMsgNums: 32 },
        ...{ sysFlag: suspendMs > 0 ? 6 : 4, commitOffset: 0, suspendTimeoutMillis: suspendMs },
        ...{ subscription, subVersion: 0, expressionType: 'SQL92' },
      });
      const bodies = code === 0 ? readRecords(body).map((record) => record.body.toString()) : [];
      return { code, next: Number(ext.nextBeginOffset), bodies };
    },
  };
}

describe('a pull with an expression over properties', () => {
  test('gets what matches, and goes on behind what does not', async () => {
    const { send, pull } = await setup();
    for (let index = 0; index < 100; index++) await send(`m${index}`, { index: String(index) });
    expect(await pull('index BETWEEN 40 AND 43')).toEqual({ code: 0, next: 100, bodies: ['m40', 'm41', 'm42', 'm43'] });
    const first = await pull('index >= 10');
    expect(first).toMatchObject({ code: 0, next: 42 });
    expect(first.bodies).toHaveLength(32);
    expect(await pull('index >= 10', { offset: 90 })).toMatchObject({ code: 0, next: 100, bodies: { length: 10 } });
    expect(await pull('missing = 1')).toEqual({ code: 20, next: 100, bodies: [] });
  });

  test('looks at 800 messages in one answer, not at all there are', async () => {
    const { send, pull } = await setup();
    await Promise.all(Array.from({ length: 1_000 }, () => send('x', { kind: 'x' })));
    await send('last', { kind: 'y' });
    const first = await pull("kind = 'y'");
    expect(first).toMatchObject({ code: 20, bodies: [] });
    expect(first.next).toBeGreaterThanOrEqual(800);
    expect(first.next).toBeLessThan(1_000);
    expect(await pull("kind = 'y'", { offset: first.next })).toEqual({ code: 0, next: 1_001, bodies: ['last'] });
  });

  test('is held while what comes does not match, and answered when something does', async () => {
    const { server, send, pull } = await setup();
    await send('before', { kind: 'x' });
    const waiting = pull("kind = 'y'", { offset: 1, suspendMs: 20_000 });
    await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held' });
    for (let index = 0; index < 3; index++) await send(`other ${index}`, { kind: 'x' });
    await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held again' });
    await send('wanted', { kind: 'y' });
    expect(await waiting).toEqual({ code: 0, next: 5, bodies: ['wanted'] });
  });
});
