/**
 * 32 senders that each wait for their answer: our server in a process of its own against Apache RocketMQ 4.9.7, the
 * same client of ours on both, JSON headers, 1 KiB bodies, topic of 4 queues, asynchronous flush on both, both sides in
 * turn in every round. Goal: at least 1.5 times the messages a second.
 *
 *   npm run build && node bench/versus-apache.mjs [rounds]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'multistage';
import { startApacheForBench } from './kit/apache.mjs';
import { drive } from './kit/drive.mjs';
import { printRatios } from './kit/ratios.mjs';
import { startServerProcess } from './kit/server-process.mjs';

const LOAD = { depth: 32, bodyBytes: 1024, durationMs: 4_000 };
const rounds = Number(process.argv[2] ?? 5);

const dir = mkdtempSync(join(tmpdir(), 'multistage-bench-'));
const apache = await startApacheForBench();
const ours = await startServerProcess(dir);
const clients = [await connect({ nameServers: apache.nameServer }), await connect({ nameServers: ours.nameServers })];
try {
  const [onApache, onOurs] = await Promise.all(
    clients.map(async (mq) => {
      const producer = await mq.producer({ group: 'bench' });
      const message = { topic: 'bench', body: Buffer.alloc(LOAD.bodyBytes, 'x') };
      return () => drive(() => producer.send(message), LOAD);
    }),
  );
  await printRatios({ name: 'Apache 4.9.7', run: onApache }, { 'multistage server': onOurs }, rounds);
} finally {
  for (const mq of clients) await mq.close();
  await ours.stop();
  await apache.close();
  rmSync(dir, { recursive: true, force: true });
}
