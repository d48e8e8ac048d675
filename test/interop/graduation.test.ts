import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { connect } from '../../core/index.js';
import { goldenStore } from '../kit/golden.js';
import { type ApacheCluster, startApache } from './kit/apache.js';
import { collect } from './kit/collect.js';
import { Estate, READER, SMALL_TOPIC, STOPPED_READER } from './kit/estate.js';
import { APACHE_VERSIONS, type ApacheVersion } from './kit/jars.js';
import { drive, mqadmin } from './kit/java.js';
import { readReceived } from './kit/message-lines.js';
import { OpenTransactions } from './kit/open-transactions.js';
import { type OurServerProcess, startOurServerProcess } from './kit/our-server-process.js';
import { ANSWERED, PATIENT } from './kit/patience.js';
import { describeOutcome } from './kit/processes.js';

/**
 * The promise of the store: a data directory goes from our broker to Apache's and back, stopped or killed, and each goes
 * on where the one before ended. Files are small, so that every kind of file is rolled over. Most of it is waiting for
 * servers to begin and to end: the directories go their ways side by side.
 */
type Host = 'ours' | ApacheVersion;
type End = 'stopped' | 'killed';
type Step = readonly [host: Host, end: End];

const NAMES = { brokerName: 'graduate-a', clusterName: 'GraduateCluster' };
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 2_000, maxHashSlotNum: 1_000 };

interface Directory {
  readonly path: string;
  /** The test that it is part of. */
  readonly context: TestContext;
  /** Entries of a file of the index. */
  readonly maxIndexNum: number;
}

const SMALL_INDEX = 500;
/** As the recorded directories have it. */
const RECORDED_INDEX = 4_000;

async function temporaryFolder({ onTestFinished }: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multistage-graduation-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A broker on the directory, which it leaves as `end` says. */
async function on(
  [host, end]: Step,
  { path: dir, context, maxIndexNum }: Directory,
  work: (server: ApacheCluster | OurServerProcess) => Promise<void>,
): Promise<void> {
  const home = await temporaryFolder(context);
  const store = { ...SIZES, maxIndexNum };
  // Nobody answers for transactions while other things are looked at.
  const brokerConfig = { ...store, flushConsumerOffsetInterval: 500, transactionCheckMax: 1_000 };
  const server =
    host === 'ours'
      ? await startOurServerProcess({ dir, store, brokerName: NAMES.brokerName, cluster: NAMES.clusterName })
      : await startApache(inject('java'), home, { version: host, store: dir, brokerConfig, ...NAMES });
  try {
    await work(server);
  } catch (error) {
    await server.kill();
    throw error;
  }
  if (end === 'stopped') await server.close();
}

/** The reader goes on: on our broker it is our consumer, on Apache's a Java consumer. */
async function readOn(host: Host, server: ApacheCluster | OurServerProcess, estate: Estate): Promise<void> {
  const { nameServer } = server;
  const lag = await estate.readerLag(server);
  if (host === 'ours') {
    const messages = await collect({ nameServers: nameServer }, SMALL_TOPIC, lag, { group: READER });
    expect(estate.readerGot(messages)).toBe(0);
  } else {
    const outcome = await drive(inject('java'), nameServer, 'consume', [SMALL_TOPIC, READER, String(lag)]);
    expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
    expect(estate.readerGot(readReceived(outcome.stdout))).toBe(0);
  }
  await estate.readerIsDone(server);
}

async function goThrough(
  steps: readonly Step[],
  dir: Directory,
  estate: Estate,
  { first = 'stopped', transactions }: { readonly first?: End; readonly transactions?: OpenTransactions } = {},
): Promise<void> {
  let left = first;
  for (const step of steps) {
    const [host, end] = step;
    const before = left;
    // Apache throws its newest file of the index away after a kill, and makes only a part of it anew.
    if (host !== 'ours' && before === 'killed') estate.forgetKeys();
    left = end;
    await on(step, dir, async (server) => {
      // Each of ours leaves some open, each of Apache's asks for them.
      if (host !== 'ours') await transactions?.settle(server, { before });
      await expectDeleted(server);
      await estate.verify(server);
      await estate.append(server);
      await estate.verifyKeys(server);
      if (host !== 'ours' && step === steps[0]) await readBack(server, estate);
      await readOn(host, server, estate);
      if (host === 'ours') await transactions?.begin(server);
      if (end === 'killed') {
        await estate.offsetsWritten(server, dir.path);
        await estate.appendUntilKilled(server, () => server.kill());
      }
    });
  }
}

const GONE_TOPIC = 'graduate_gone';

/** The newest messages of the log are those of a topic that is deleted: no broker after that may show it. */
async function deleteATopic({ nameServer }: OurServerProcess | ApacheCluster): Promise<void> {
  const mq = await connect({ ...PATIENT, nameServers: nameServer });
  const producer = await mq.producer({ group: 'graduate_deleter', ...ANSWERED });
  await mq.admin.createTopic(GONE_TOPIC, { queueNum: 1, ...ANSWERED });
  for (let number = 0; number < 3; number++) await producer.send({ topic: GONE_TOPIC, body: 'gone' });
  await mq.admin.deleteTopic(GONE_TOPIC, ANSWERED);
  await mq.close();
}

async function expectDeleted({ nameServer }: OurServerProcess | ApacheCluster): Promise<void> {
  const mq = await connect({ ...PATIENT, nameServers: nameServer });
  const looking = mq.admin.fetchSubscribeMessageQueues(GONE_TOPIC);
  await expect(looking).rejects.toMatchObject({ code: 'RMQ_ROUTE_NOT_FOUND' });
  await mq.close();
}

/** Apache's own tool reads topics and offsets back. */
async function readBack({ nameServer }: ApacheCluster | OurServerProcess, estate: Estate): Promise<void> {
  const ask = async (command: string, ...args: string[]) => {
    const outcome = await mqadmin(inject('java'), nameServer, command, args);
    expect(outcome.stdout.trim(), describeOutcome(command, outcome)).not.toBe('');
    return outcome.stdout.split('\n').map((line) => line.trim().split(/\s+/));
  };
  // In a directory that was recorded there is no such group, and the tool says nothing on standard output then.
  const offsets = estate.offsetsOf(SMALL_TOPIC, STOPPED_READER);
  const [topics, progress] = await Promise.all([
    ask('topicList'),
    offsets.size === 0 ? [] : ask('consumerProgress', '-g', STOPPED_READER),
  ]);
  expect(topics.flat()).toEqual(expect.arrayContaining(estate.topics));
  for (const [queueId, offset] of offsets) {
    const row = progress.find(([topic, , shown]) => topic === SMALL_TOPIC && shown === `${queueId}`);
    expect(row?.[4], `offset of queue ${queueId}`).toBe(`${offset}`);
  }
}

async function expectRolledOver({ path }: Directory): Promise<void> {
  expect((await readdir(join(path, 'commitlog'))).length).toBeGreaterThan(3);
  expect((await readdir(join(path, 'consumequeue', SMALL_TOPIC, '0'))).length).toBeGreaterThan(1);
  expect((await readdir(join(path, 'index'))).length).toBeGreaterThan(1);
}

describe.concurrent.each(APACHE_VERSIONS)('a data directory, with Apache %s,', (version) => {
  test('begun by ours goes on under Apache and comes back, stopped and killed', {
    timeout: 900_000,
  }, async (context) => {
    const dir = { path: join(await temporaryFolder(context), 'data'), context, maxIndexNum: SMALL_INDEX };
    const estate = new Estate();
    // 5.x notes ends in batches, seconds later, and asks for what it has heard of once more until then.
    const transactions = version === '4.9.7' ? new OpenTransactions() : undefined;
    await on(['ours', 'stopped'], dir, async (server) => {
      await estate.found(server);
      await estate.verifyKeys(server);
      await transactions?.begin(server);
      await deleteATopic(server);
    });
    await expectRolledOver(dir);
    await goThrough(
      [
        [version, 'killed'],
        ['ours', 'killed'],
        [version, 'stopped'],
        ['ours', 'stopped'],
      ],
      dir,
      estate,
      { ...(transactions && { transactions }) },
    );
  });

  test('begun by Apache, and killed, goes on under ours', { timeout: 900_000 }, async (context) => {
    const dir = { path: join(await temporaryFolder(context), 'data'), context, maxIndexNum: SMALL_INDEX };
    const estate = new Estate();
    await on([version, 'killed'], dir, async (server) => {
      await estate.found(server);
      await readOn(version, server, estate);
      await estate.offsetsWritten(server, dir.path);
      await estate.appendUntilKilled(server, () => server.kill());
    });
    await goThrough(
      [
        ['ours', 'stopped'],
        ['ours', 'stopped'],
      ],
      dir,
      estate,
      { first: 'killed' },
    );
  });
});

describe.concurrent('a recorded directory of Apache goes on under ours, then under Apache, and comes back:', () => {
  test.for<['clean' | 'killed', ApacheVersion]>([
    ['clean', '4.9.7'],
    ['killed', '5.5.0'],
  ])('%s, %s', { timeout: 900_000 }, async ([kind, version], context) => {
    const dir = { path: join(await temporaryFolder(context), 'data'), context, maxIndexNum: RECORDED_INDEX };
    for (const [path, bytes] of goldenStore(`apache-4.9.7-${kind}`)) {
      await mkdir(dirname(join(dir.path, path)), { recursive: true });
      await writeFile(join(dir.path, path), bytes);
    }
    const estate = new Estate();
    await on(['ours', 'stopped'], dir, async (server) => {
      const topics = ['st_admin', 'st_batch', 'st_delay', 'st_orderly', 'st_push', 'st_sync'];
      await estate.adopt(server, dir.path, topics);
      expect(estate.messageCount).toBe(70);
      await estate.append(server);
      await estate.verifyKeys(server);
      await readOn('ours', server, estate);
    });
    await goThrough(
      [
        [version, 'killed'],
        ['ours', 'stopped'],
      ],
      dir,
      estate,
    );
  });
});
