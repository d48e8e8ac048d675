import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Client, connect, type LocalTransactionState } from '../../../core/index.js';
import { type CheckedMessage, transaction } from '../../../plugins/transaction/index.js';
import { waitFor } from '../../kit/wait-for.js';
import { drive, type HeaderEncoding } from '../kit/java.js';
import { ANSWERED, EVENTUALLY, PATIENT } from '../kit/patience.js';
import { describeOutcome } from '../kit/processes.js';
import type { Target } from '../kit/target.js';

const COUNT = 5;

/**
 * Transactions of our client on whatever broker, in a group that it shares with Apache's Java client: each answers for the
 * other. `deliversOnce` where no message may come twice.
 */
export function ourTransactionsContract(
  target: () => Target,
  encoding: HeaderEncoding,
  { deliversOnce = false } = {},
): void {
  const headerEncoding = encoding === 'JSON' ? 'json' : 'rocketmq';
  const transactions = transaction();
  let mq: Client;

  beforeAll(async () => {
    mq = await connect({ ...PATIENT, nameServers: target().nameServer, headerEncoding, plugins: [transactions] });
  });

  afterAll(() => mq.close());

  test(`transactions end as they should, by us and by a Java producer of the group, ${encoding} headers`, async () => {
    const topic = `transactions_${encoding}`;
    const group = `payers_${encoding}`;
    const received: string[] = [];
    const asked: CheckedMessage[] = [];
    const producer = (check: (body: string) => LocalTransactionState) =>
      mq.plugin(transactions).producer<LocalTransactionState>({
        ...{ group, ...ANSWERED },
        execute: (_, state) => state,
        check: (message) => {
          asked.push(message);
          return check(message.body.toString());
        },
      });
    const first = await producer((body) => (body.startsWith('asked') ? 'commit' : 'unknown'));
    const large = `asked ${'ß'.repeat(5_000)}`;
    for (const [body, state] of [
      ['committed', 'commit'],
      ['rolled back', 'rollback'],
      [large, 'unknown'],
    ] as const) {
      const result = await first.send({ topic, body, tag: 'tag', keys: ['key'], delayLevel: 2 }, state);
      expect(result).toMatchObject({ status: 'SEND_OK', localState: state, transactionId: result.msgId });
    }
    const consumer = await mq.consumer({ group: `reads_${topic}`, subscribe: { [topic]: '*' }, from: 'first' });
    await consumer.run((message) => {
      received.push(message.body.toString());
    });
    const arrived = (bodies: readonly string[]) =>
      waitFor(() => bodies.every((body) => received.includes(body)), { ...EVENTUALLY, what: bodies.join(', ') });
    await arrived(['committed', large]);
    expect(asked.find(({ body }) => body.toString() === large)).toMatchObject({ topic, tag: 'tag', keys: ['key'] });

    const numbered = (name: string) => Array.from({ length: COUNT }, (_, index) => `${name} ${index}`);
    for (const body of numbered('ours')) await first.send({ topic, body }, 'unknown');
    await first.close();
    const java = await drive(inject('java'), target().nameServer, 'handover', [group, topic, String(COUNT)], {
      encoding,
    });
    expect(java.exitCode, describeOutcome('handover', java)).toBe(0);
    await arrived([...numbered('ours'), 'java leaves']);
    expect(received.filter((body) => body.startsWith('java'))).toEqual(['java leaves']);

    const second = await producer((body) => (body.startsWith('java') ? 'commit' : 'unknown'));
    await arrived(numbered('java'));
    await second.close();
    expect(received).not.toContain('rolled back');
    if (deliversOnce) expect(received).toHaveLength(new Set(received).size);
  });
}
