/** What waits in a data directory goes with it: from our broker to Apache's and back, and nothing is delivered twice. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, type TestContext, test } from 'vitest';
import { connect, type OutgoingMessage } from '../../core/index.js';
import { startApache } from './kit/apache.js';
import type { ApacheVersion } from './kit/jars.js';
import { startOurServerProcess } from './kit/our-server-process.js';

const TOPIC = 'waits';
const NAMES = { brokerName: 'graduate-a', clusterName: 'GraduateCluster' };
const DELAY_MS_MAX = 60_000;

type Host = 'ours' | ApacheVersion;

async function temporaryFolder({ onTestFinished }: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multistage-delays-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** One broker after the other on one directory; bodies by where they lie in the topic. */
class Waiting {
  readonly #context: TestContext;
  readonly #dir: string;
  readonly places = new Map<string, string>();

  constructor(context: TestContext, dir: string) {
    this.#context = context;
    this.#dir = dir;
  }

  /** Sends, waits until that many lie in the topic, looks a little longer, and stops the broker cleanly. */
  async on(
    host: Host,
    messages: readonly Omit<OutgoingMessage, 'topic'>[],
    expected: readonly string[],
  ): Promise<void> {
    const server =
      host === 'ours'
        ? await startOurServerProcess({ dir: this.#dir, brokerName: NAMES.brokerName, cluster: NAMES.clusterName })
        : await startApache(inject('java'), await temporaryFolder(this.#context), {
            version: host,
            store: this.#dir,
            ...NAMES,
          });
    const mq = await connect({ nameServers: server.nameServer });
    try {
      const producer = await mq.producer({ group: 'waits', timeoutMs: 15_000 });
      for (const message of messages) await producer.send({ topic: TOPIC, ...message });
      const consumer = await mq.consumer({ group: 'looks', subscribe: { [TOPIC]: '*' }, from: 'first' });
      void consumer.run(({ body, queueId, queueOffset }) => {
        this.places.set(`${queueId} ${queueOffset}`, body.toString());
      });
      const endMs = performance.now() + DELAY_MS_MAX;
      while (!this.#has(expected) && performance.now() < endMs) await new Promise((next) => setTimeout(next, 100));
      // What is delivered again is at the start.
      await new Promise((next) => setTimeout(next, 1_500));
    } finally {
      await mq.close();
      await server.close();
    }
    const bodies = [...this.places.values()].sort();
    expect(bodies).toEqual([...new Set(bodies)]);
    expect(bodies).toEqual(expect.arrayContaining([...expected]));
  }

  #has(expected: readonly string[]): boolean {
    const bodies = new Set(this.places.values());
    return expected.every((body) => bodies.has(body));
  }
}

test.concurrent('timers and levels go to Apache 5.5.0 and back', { timeout: 200_000 }, async (context) => {
  const waiting = new Waiting(context, join(await temporaryFolder(context), 'data'));
  const atMs = Date.now();
  const first = [
    { body: 'early', delay: '1100ms' },
    { body: 'now' },
    { body: 'level', delay: '10s' },
    { body: 'timer', deliverAt: atMs + 10_000 },
    // Further away than Apache's wheel reaches in one go.
    { body: 'far', deliverAt: atMs + 200_000_000 },
    { body: 'soon', delay: '1s' },
  ];
  await waiting.on('ours', first, ['early', 'now', 'soon']);
  const second = [
    { body: 'theirs', deliverAt: Date.now() + 12_000 },
    { body: 'theirs, soon', delay: '2100ms' },
  ];
  await waiting.on('5.5.0', second, ['level', 'timer', 'theirs, soon']);
  await waiting.on('ours', [{ body: 'ours again', delay: '1200ms' }], ['theirs', 'ours again']);
  expect(waiting.places.size).toBe(8);
});

test.concurrent('levels go to Apache 4.9.7 and back, and timers wait for who knows them', {
  timeout: 200_000,
}, async (context) => {
  const waiting = new Waiting(context, join(await temporaryFolder(context), 'data'));
  const first = [
    { body: 'soon', delay: '1s' },
    { body: 'level', delay: '5s' },
    { body: 'timer', delay: '6s' },
  ];
  await waiting.on('ours', first, ['soon']);
  await waiting.on('4.9.7', [{ body: 'theirs', delay: '5s' }], ['level', 'theirs']);
  await waiting.on('ours', [], ['timer']);
  expect(waiting.places.size).toBe(4);
});
