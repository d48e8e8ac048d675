import { expect } from 'vitest';
import { type Client, connect, type LocalTransactionState } from '../../../core/index.js';
import { transaction } from '../../../plugins/transaction/index.js';
import { waitFor } from './ports.js';
import type { Target } from './target.js';

const TOPIC = 'estate_paid';
const GROUP = 'estate_payers';

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
      },
    );
  }

  /**
   * Answers the broker, which asks for all that are open: what is committed is there, and nothing else. After a clean stop it
   * asks for no other, and for none again; after a kill Apache asks for some once more.
   */
  async settle(target: Target, { before }: { readonly before: 'stopped' | 'killed' }): Promise<void> {
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
      this.#open.clear();
      // It is asked for in a round that begins after those answers: what was not ended by them is asked for again.
      const last = `${this.#round++} last, commit`;
      this.#ends.set(last, 'commit');
      asked.clear();
      await send(last, 'unknown');
      await askedFor([last]);
      if (before === 'stopped') expect(asked).toEqual(new Set([last]));
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
    const mq = await connect({ nameServers: nameServer, plugins: [plugin] });
    try {
      const producer = await mq.plugin(plugin).producer<LocalTransactionState>({
        group: GROUP,
        timeoutMs: 15_000,
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
