import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { goldenStore } from '../kit/golden.js';
import { type ApacheCluster, startApache } from './kit/apache.js';
import { collect } from './kit/collect.js';
import { Estate, READER, SMALL_TOPIC } from './kit/estate.js';
import { APACHE_VERSIONS, type ApacheVersion } from './kit/jars.js';
import { drive } from './kit/java.js';
import { readReceived } from './kit/message-lines.js';
import { type OurServerProcess, startOurServerProcess } from './kit/our-server-process.js';
import { describeOutcome } from './kit/processes.js';

/**
 * The promise of the store: a data directory goes from our broker to Apache's and back, stopped or killed, and each goes
 * on where the one before ended. Files are small, so that every kind of file is rolled over.
 */
type Host = 'ours' | ApacheVersion;
type End = 'stopped' | 'killed';
type Step = readonly [host: Host, end: End];

const NAMES = { brokerName: 'graduate-a', clusterName: 'GraduateCluster' };
const SIZES = { mappedFileSizeCommitLog: 65_536, mappedFileSizeConsumeQueue: 2_000 };
const APACHE_SIZES = { ...SIZES, maxHashSlotNum: 1_000, maxIndexNum: 4_000, flushConsumerOffsetInterval: 500 };

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'multistage-graduation-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A broker on the directory, which it leaves as `end` says. */
async function on(
  [host, end]: Step,
  dir: string,
  work: (server: ApacheCluster | OurServerProcess) => Promise<void>,
): Promise<void> {
  const home = await temporaryFolder();
  const server =
    host === 'ours'
      ? await startOurServerProcess({ dir, store: SIZES, brokerName: NAMES.brokerName, cluster: NAMES.clusterName })
      : await startApache(inject('java'), home, { version: host, store: dir, brokerConfig: APACHE_SIZES, ...NAMES });
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
    return;
  }
  const outcome = await drive(inject('java'), nameServer, 'consume', [SMALL_TOPIC, READER, String(lag), '60']);
  expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
  expect(estate.readerGot(readReceived(outcome.stdout))).toBe(0);
}

async function goThrough(steps: readonly Step[], dir: string, estate: Estate): Promise<void> {
  for (const step of steps) {
    const [host, end] = step;
    await on(step, dir, async (server) => {
      await estate.verify(server);
      await estate.append(server);
      await readOn(host, server, estate);
      if (end === 'killed') {
        await estate.offsetsWritten(server, dir);
        await estate.appendUntilKilled(server, () => server.kill());
      }
    });
  }
}

async function expectRolledOver(dir: string): Promise<void> {
  expect((await readdir(join(dir, 'commitlog'))).length).toBeGreaterThan(3);
  expect((await readdir(join(dir, 'consumequeue', SMALL_TOPIC, '0'))).length).toBeGreaterThan(1);
}

describe.each(APACHE_VERSIONS)('a data directory, with Apache %s,', (version) => {
  test('begun by ours goes on under Apache and comes back, stopped and killed', { timeout: 300_000 }, async () => {
    const dir = join(await temporaryFolder(), 'data');
    const estate = new Estate();
    await on(['ours', 'stopped'], dir, (server) => estate.found(server));
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
    );
  });

  test('begun by Apache, and killed, goes on under ours', { timeout: 300_000 }, async () => {
    const dir = join(await temporaryFolder(), 'data');
    const estate = new Estate();
    await on([version, 'killed'], dir, async (server) => {
      await estate.found(server);
      await readOn(version, server, estate);
      await estate.offsetsWritten(server, dir);
      await estate.appendUntilKilled(server, () => server.kill());
    });
    await goThrough(
      [
        ['ours', 'stopped'],
        ['ours', 'stopped'],
      ],
      dir,
      estate,
    );
  });
});

describe('a recorded directory of Apache goes on under ours, then under Apache, and comes back:', () => {
  test.each<['clean' | 'killed', ApacheVersion]>([
    ['clean', '4.9.7'],
    ['killed', '5.5.0'],
  ])('%s, %s', { timeout: 300_000 }, async (kind, version) => {
    const dir = join(await temporaryFolder(), 'data');
    for (const [path, bytes] of goldenStore(`apache-4.9.7-${kind}`)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), bytes);
    }
    const estate = new Estate();
    await on(['ours', 'stopped'], dir, async (server) => {
      const topics = ['st_admin', 'st_batch', 'st_delay', 'st_orderly', 'st_push', 'st_sync'];
      await estate.adopt(server, dir, topics);
      expect(estate.messageCount).toBe(70);
      await estate.append(server);
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
