import { expect } from 'vitest';
import { type Client, connect, type LocalTransactionState } from '../../../core/index.js';
import { transaction } from '../../../plugins/transaction/index.js';
import { BrokerQuestions } from './broker-questions.js';
import { ANSWERED, PATIENT } from './patience.js';
import { waitFor } from './ports.js';
import type { Target } from './target.js';

const TOPIC = 'estate_paid';
const GROUP = 'estate_payers';
const OP_TOPIC = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';

type Send = (body: string, state: LocalTransactionState) => Promise<void>;

/** Transactions of a data directory that go on, or are over, wherever the directory is. */
export class OpenTransactions {
  /** By body, how it ends, or has ended. */
  readonly #ends = new Map<string, 'commit' | 'rollback'>();
  /** Those whose producer was not asked yet. */
  readonly #open = new Set<string>();
  #round = 0;

  /** Sends some, and ends only a part of them. */
  async begin(target: Target): Promise<void> {
    const round = this.#round++;
    const ended = await countEnds(target);
    await this.#withProducer(
      target,
      () => 'unknown',
      async (send) => {
        for (const end of ['commit', 'rollback'] as const) {
          await send(`${round} ended, ${end}`, end);
          await send(`${round} left, ${end}`, 'unknown');
          this.#ends.set(`${round} ended, ${end}`, end).set(`${round} left, ${end}`, end);
          this.#open.add(`${round} left, ${end}`);
        }
        await ended(2);
      },
    );
  }

  /**
   * Answers the broker, which asks for all that are open: what is committed is there, and nothing else. After a clean stop it
   * asks for no other, and for none again; after a kill Apache asks for some once more.
   */
  async settle(target: Target, { before }: { readonly before: 'stopped' | 'killed' }): Promise<void> {
    const ended = await countEnds(target);
    const asked = new Set<string>();
    const received = new Set<string>();
    const check = (body: string): LocalTransactionState => {
      asked.add(body);
      return this.#ends.get(body) ?? 'unknown';
    };
    await this.#withProducer(target, check, async (send, mq) => {
      const group = `estate_reads_paid_${this.#round}`;
      const consumer = await mq.consumer({ group, subscribe: { [TOPIC]: '*' }, from: 'first' });
      await consumer.run(({ body }) => void received.add(body.toString()));
      await askedFor([...this.#open]);
      if (before === 'stopped') expect(asked).toEqual(this.#open);
      await ended(this.#open.size);
      const settled = [...this.#open];
      this.#open.clear();
      // The second is asked for in a round that begins after those ends: what was not ended by them is asked for again.
      for (const which of ['first', 'second']) {
        const later = `${this.#round++} ${which} of those later, commit`;
        this.#ends.set(later, 'commit');
        asked.clear();
        await send(later, 'unknown');
        await askedFor([later]);
      }
      if (before === 'stopped') expect(settled.filter((body) => asked.has(body))).toEqual([]);
      const committed = [...this.#ends].filter(([, end]) => end === 'commit').map(([body]) => body);
      const missing = () => committed.filter((body) => !received.has(body));
      await waitFor('what is committed', async () => missing().length === 0);
      expect(received).toEqual(new Set(committed));
    });

    async function askedFor(bodies: readonly string[]): Promise<void> {
      const what = `questions about ${bodies.join('; ')}`;
      await waitFor(what, async () => bodies.every((body) => asked.has(body)));
    }
  }

  async #withProducer(
    { nameServer }: Target,
    check: (body: string) => LocalTransactionState,
    work: (send: Send, mq: Client) => Promise<void>,
  ): Promise<void> {
    const plugin = transaction();
    const mq = await connect({ ...PATIENT, nameServers: nameServer, plugins: [plugin] });
    try {
      const producer = await mq.plugin(plugin).producer<LocalTransactionState>({
        group: GROUP,
        ...ANSWERED,
        execute: (_, state) => state,
        check: ({ body }) => check(body.toString()),
      });
      await work(async (body, state) => {
        const result = await producer.send({ topic: TOPIC, body }, state);
        expect(result.status).toBe('SEND_OK');
      }, mq);
    } finally {
      await mq.close();
    }
  }
}

/** Returns a wait until the broker has ended so many transactions since: producers tell it of ends without waiting for an answer. */
async function countEnds(target: Target): Promise<(count: number) => Promise<void>> {
  const ends = async (): Promise<number> => {
    const questions = new BrokerQuestions(target);
    return questions.maxOffset(OP_TOPIC, 0).finally(() => questions.close());
  };
  const before = await ends();
  return (count) => waitFor(`the end of ${count} transactions`, async () => (await ends()) >= before + count);
}
