/** What waits in a data directory goes with it: from our broker to Apache's and back, and nothing is delivered twice. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, type TestContext, test } from 'vitest';
import { connect, type OutgoingMessage } from '../../core/index.js';
import type { ExtInput } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient } from '../server/kit/running.js';
import { type PoppedMessage, readPopAnswer } from '../server/pop/pop-broker.js';
import { startApache } from './kit/apache.js';
import type { ApacheVersion } from './kit/jars.js';
import { startOurServerProcess } from './kit/our-server-process.js';
import { ANSWERED, PATIENCE_MS, PATIENT } from './kit/patience.js';

const TOPIC = 'waits';
const NAMES = { brokerName: 'graduate-a', clusterName: 'GraduateCluster' };
const DELAY_MS_MAX = PATIENCE_MS;

type Host = 'ours' | ApacheVersion;

async function temporaryFolder({ onTestFinished }: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multistage-delays-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function startOn(host: Host, dir: string, context: TestContext) {
  if (host !== 'ours') {
    return startApache(inject('java'), await temporaryFolder(context), { version: host, store: dir, ...NAMES });
  }
  return startOurServerProcess({ dir, brokerName: NAMES.brokerName, cluster: NAMES.clusterName });
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
    const server = await startOn(host, this.#dir, this.#context);
    const mq = await connect({ ...PATIENT, nameServers: server.nameServer });
    try {
      const producer = await mq.producer({ group: 'waits', ...ANSWERED });
      for (const message of messages) await producer.send({ topic: TOPIC, ...message });
      const consumer = await mq.consumer({ group: 'looks', subscribe: { [TOPIC]: '*' }, from: 'first' });
      await consumer.run(({ body, queueId, queueOffset }) => {
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

test.concurrent('timers and levels go to Apache 5.5.0 and back', { timeout: 900_000 }, async (context) => {
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
  timeout: 900_000,
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

test.concurrent('what was popped goes to Apache 5.5.0 and back: only what nobody acknowledged comes again', {
  timeout: 900_000,
}, async (context) => {
  const topic = 'popped';
  const dir = join(await temporaryFolder(context), 'data');
  const client = rawClient();
  const named = { consumerGroup: 'pops', topic, initMode: 0, order: false };
  let address = '';
  const pop = async (invisibleTime: number): Promise<readonly PoppedMessage[]> => {
    const asked = { queueId: -1, maxMsgNums: 32, invisibleTime, pollTime: 2_000, bornTime: Date.now() };
    const { code, remark, ext, body } = await invoke(client, address, RequestCode.POP_MESSAGE, { ...named, ...asked });
    expect([0, 210], remark).toContain(code);
    return readPopAnswer({ code, ext, body }, 'pops', NAMES.brokerName).messages;
  };
  const tell = async (code: number, { topic: from, queueId, offset, receipt }: PoppedMessage, more: ExtInput = {}) => {
    const ext = { consumerGroup: 'pops', topic: from, queueId, offset, extraInfo: receipt, ...more };
    expect(await invoke(client, address, code, ext)).toMatchObject({ code: 0 });
  };
  /** Ids with their tries until these have come, and a little longer. */
  const comes = async (expected: readonly string[], handle: (message: PoppedMessage) => Promise<void>) => {
    const seen: string[] = [];
    const endMs = performance.now() + DELAY_MS_MAX;
    for (let more = 1; (seen.length < expected.length || more-- > 0) && performance.now() < endMs; ) {
      for (const message of await pop(6_000)) {
        seen.push(`${message.id} ${message.reconsumeTimes}`);
        await handle(message);
      }
    }
    expect(seen.sort()).toEqual(expected);
  };
  const ack = (message: PoppedMessage) => tell(RequestCode.ACK_MESSAGE, message);

  const ours = await startOn('ours', dir, context);
  address = ours.brokerAddress;
  const mq = await connect({ ...PATIENT, nameServers: ours.nameServer });
  const producer = await mq.producer({ group: 'waits', ...ANSWERED });
  for (const body of ['done', 'lost', 'kept']) await producer.send({ topic, body });
  await mq.close();
  const first = new Map((await pop(4_000)).map((message) => [message.id, message]));
  expect([...first.keys()].sort()).toEqual(['done', 'kept', 'lost']);
  await ack(first.get('done')!);
  await tell(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, first.get('kept')!, { invisibleTime: 8_000 });
  await ours.close();

  const theirs = await startOn('5.5.0', dir, context);
  address = theirs.brokerAddress;
  await comes(['kept 1', 'lost 1'], async (message) => {
    if (message.id === 'lost') await ack(message);
  });
  await theirs.close();

  const again = await startOn('ours', dir, context);
  address = again.brokerAddress;
  await comes(['kept 2'], () => Promise.resolve());
  await again.kill();

  const last = await startOn('ours', dir, context);
  address = last.brokerAddress;
  await comes(['kept 3'], ack);
  await last.close();
});
