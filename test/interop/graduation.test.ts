import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { startApache } from './kit/apache.js';
import { collect } from './kit/collect.js';
import { drive } from './kit/java.js';
import { readReceived, writeOutgoing } from './kit/message-lines.js';
import { describeOutcome } from './kit/processes.js';
import { specimens } from './kit/specimens.js';

const TOPIC = 'graduates';
const GROUP = 'graduates_group';
const NAMES = { brokerName: 'graduate-a', cluster: 'GraduateCluster' };

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multistage-graduation-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function onOurServer<T>(dir: string, work: (nameServers: string) => Promise<T>): Promise<T> {
  const server = await startServer({ dir, nameServerPort: 0, brokerPort: 0, ...NAMES });
  try {
    return await work(server.nameServers);
  } finally {
    await server.close();
  }
}

/** The promise of the store: Apache's broker goes on where ours stopped, on the same directory, and the other way round. */
test('a directory of ours goes on under an Apache broker, and comes back', { timeout: 180_000 }, async () => {
  const home = await temporaryFolder();
  const dir = join(home, 'data');
  const java = inject('java');
  const sent = specimens();

  const ids = await onOurServer(dir, async (nameServers) => {
    const mq = await connect({ nameServers });
    const producer = await mq.producer({ group: 'graduates_producer', timeoutMs: 15_000 });
    const results = [];
    for (const { name: _, ...message } of sent) results.push(await producer.send({ topic: TOPIC, ...message }));
    await mq.close();
    await collect({ nameServers }, TOPIC, sent.length, { group: GROUP });
    return results.map(({ msgId }) => msgId);
  });

  const apache = await startApache(java, join(home, 'apache'), {
    store: dir,
    brokerName: NAMES.brokerName,
    clusterName: NAMES.cluster,
  });
  try {
    const all = await drive(java, apache.nameServer, 'consume', [TOPIC, 'reads_all', String(sent.length), '60']);
    expect(all.exitCode, describeOutcome('consume', all)).toBe(0);
    const received = new Map(readReceived(all.stdout).map((message) => [message.msgId, message]));
    for (const [index, { name, body, keys, tag, flag = 0, properties = {} }] of sent.entries()) {
      const message = received.get(ids[index] ?? '');
      expect(message, name).toMatchObject({ topic: TOPIC, flag, tag, keys: keys?.join(' ') });
      expect(message?.body.equals(body), `body of ${name}`).toBe(true);
      for (const [property, value] of Object.entries(properties)) {
        expect(message?.properties.get(property), `a property of ${name}`).toBe(value);
      }
    }
    const input = writeOutgoing({ topic: TOPIC, body: Buffer.from('from Java') });
    const produced = await drive(java, apache.nameServer, 'produce', [], { input });
    expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
    // The group that read everything on our server gets only what came after.
    const rest = await drive(java, apache.nameServer, 'consume', [TOPIC, GROUP, '1', '60']);
    expect(rest.exitCode, describeOutcome('consume', rest)).toBe(0);
    expect(readReceived(rest.stdout).map(({ body }) => body.toString())).toEqual(['from Java']);
  } finally {
    await apache.close();
  }

  await onOurServer(dir, async (nameServers) => {
    const again = await collect({ nameServers }, TOPIC, sent.length + 1, { group: 'reads_all_again' });
    const bodies = new Map(again.map((message) => [message.msgId, message.body]));
    for (const [index, { name, body }] of sent.entries()) {
      expect(bodies.get(ids[index] ?? '')?.equals(body), `body of ${name}`).toBe(true);
    }
    expect(again.filter(({ body }) => body.toString() === 'from Java')).toHaveLength(1);
    const mq = await connect({ nameServers });
    const producer = await mq.producer({ group: 'graduates_producer', timeoutMs: 15_000 });
    await producer.send({ topic: TOPIC, body: 'home again' });
    await mq.close();
    const [last] = await collect({ nameServers }, TOPIC, 1, { group: GROUP });
    expect(last?.body.toString()).toBe('home again');
  });
});
