/**
 * Members of a group come, go and lose their connections, the broker is restarted, sends, ends and questions are lost or
 * refused: what a local branch decided happens all the same, once. Everything is decided by the seed.
 */
import { expect, onTestFinished, test } from 'vitest';
import type { Client, LocalTransactionState } from '../../../core/index.js';
import { type TestKit, testKit } from '../../../core/testing/index.js';
import { namespace } from '../../../plugins/namespace/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { type TransactionProducer, transaction } from '../../../plugins/transaction/index.js';
import { Random } from '../../fault/random.js';

const TOPIC = 'orders';
const STEPS = 40;
/** More than there are rounds, so that nothing is given up. */
const server = { transactionCheckMax: 60 };

interface Member {
  readonly mq: Client;
  readonly producer: TransactionProducer;
}

/** What the local branches have in their database. */
type Decisions = Map<string, 'commit' | 'rollback'>;

async function join(kit: TestKit, random: Random, decisions: Decisions): Promise<Member> {
  const transactions = transaction();
  const others = [namespace({ namespace: 'NS' }), ...(random.chance(0.5) ? [tracing()] : [])];
  const plugins = random.chance(0.5) ? [transactions, ...others] : [...others, transactions];
  const mq = await kit.connect({ plugins });
  const answer = (decided: LocalTransactionState): LocalTransactionState => {
    if (random.chance(0.1)) throw new Error('the database does not answer');
    return random.chance(0.4) ? 'unknown' : decided;
  };
  const producer = await mq.plugin(transactions).producer({
    group: 'payers',
    // A second attempt would be a half message of its own.
    retries: 0,
    checkConcurrency: random.of([1, 16]),
    execute: ({ transactionId }) => {
      const decided = random.chance(0.7) ? 'commit' : 'rollback';
      decisions.set(transactionId, decided);
      return answer(decided);
    },
    check: ({ transactionId }) => answer(decisions.get(transactionId) ?? 'rollback'),
  });
  return { mq, producer };
}

function somethingFails(kit: TestKit, random: Random): void {
  const kind = random.of(['END_TRANSACTION', 'SEND_MESSAGE', 'HEART_BEAT'] as const);
  if (random.chance(0.5)) kit.refuse(kind);
  else kit.drop(kind, { what: 'request', times: random.between(1, 3) });
}

test.each([1, 2, 3, 4])('members come and go, and no transaction is lost (seed %i)', async (seed) => {
  const random = new Random(seed);
  const kit = await testKit({ server });
  onTestFinished(() => kit.close());
  await kit.createTopic(`NS%${TOPIC}`);
  const decisions: Decisions = new Map();
  const members = [await join(kit, random, decisions)];
  for (let step = 0; step < STEPS; step++) {
    const member = random.of(members);
    const what = random.between(0, 9);
    if (what === 0) members.push(await join(kit, random, decisions));
    else if (what === 1 && members.length > 1) {
      members.splice(members.indexOf(member), 1);
      void random.of([member.mq, member.producer]).close({ timeoutMs: 100 });
    } else if (what === 2) kit.cut();
    else if (what === 3) somethingFails(kit, random);
    else if (what === 4) await kit.clock.advance(random.of(['1s', '30s', '1m']));
    else if (what === 5 && random.chance(0.2)) await kit.restart();
    // What is not sent has begun nothing.
    else member.producer.send({ topic: TOPIC, body: 'x' }).catch(() => {});
    if (random.chance(0.5)) await kit.clock.settle();
  }
  kit.mend();
  for (let round = 0; round < 25; round++) await kit.clock.advance('1m');
  const stored = (await kit.messages(`NS%${TOPIC}`)).map(({ msgId }) => msgId);
  const committed = [...decisions].filter(([, decided]) => decided === 'commit').map(([id]) => id);
  expect(committed.length).toBeGreaterThan(0);
  expect(stored.sort()).toEqual(committed.sort());
});
