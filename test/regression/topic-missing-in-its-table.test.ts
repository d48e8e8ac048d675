/**
 * When `config/topics.json` was lost or cut short, and its `.bak` was a change behind, topics whose messages lay in the
 * store were unknown after the next start: nobody could read what had been acknowledged, until a send happened to make
 * the topic again. A topic that has messages is now made again by the start itself.
 */
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../core/container/connect.js';
import type { Logger } from '../../core/runtime/logger.js';
import { startServer } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';

async function serve(dir: string, logger?: Logger) {
  const server = closeAfterTest(
    await startServer({ dir, nameServerPort: 0, brokerPort: 0, ...(logger && { logger }) }),
  );
  return { server, mq: closeAfterTest(await connect({ nameServers: server.nameServers })) };
}

async function stoppedWithThreeTopics(): Promise<string> {
  const dir = tempDir();
  const { server, mq } = await serve(dir);
  const producer = await mq.producer({ group: 'shop' });
  for (const topic of ['orders', 'bills', 'parcels']) {
    for (let count = 0; count < 4; count++) await producer.send({ topic, body: `${topic} ${count}` });
  }
  await mq.close();
  await server.close();
  return dir;
}

const TABLE = join('config', 'topics.json');

test.each([
  ['cut short, with a backup that is a change behind', (dir: string) => truncate(join(dir, TABLE), 700)],
  [
    'cut short, and its backup too',
    async (dir: string) => {
      for (const name of [TABLE, `${TABLE}.bak`]) await truncate(join(dir, name), 100);
    },
  ],
  ['lost with all of config/', (dir: string) => rm(join(dir, 'config'), { recursive: true })],
])('messages can be read after a start whose table of topics is %s', async (_, damage) => {
  const dir = await stoppedWithThreeTopics();
  await damage(dir);
  const warnings: string[] = [];
  const quiet = (): void => {};
  const { server, mq } = await serve(dir, {
    debug: quiet,
    info: quiet,
    warn: (message, fields) => void warnings.push(`${message}: ${fields?.topic}`),
    error: quiet,
  });
  const got = new Set<string>();
  const consumer = await mq.consumer({
    group: 'billing',
    subscribe: { orders: '*', bills: '*', parcels: '*' },
    from: 'first',
  });
  await consumer.run((message) => void got.add(message.body.toString()));
  await waitFor(() => got.size === 12);
  expect(warnings.filter((warning) => warning.startsWith('a topic that has messages')).length).toBeGreaterThan(0);
  await mq.close();
  await server.close();
  const saved = await readFile(join(dir, TABLE), 'utf8');
  for (const topic of ['orders', 'bills', 'parcels']) expect(saved).toContain(`"${topic}"`);
});
