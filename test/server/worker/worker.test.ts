/** The worker runs the built package, which `npm test` builds first. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../core/index.js';
import { createMemoryTransport } from '../../../core/remoting/memory-transport.js';
import { createTcpTransport } from '../../../core/remoting/tcp-transport.js';
import { silentLogger } from '../../../core/runtime/logger.js';
import { systemClock } from '../../../core/runtime/system-clock.js';
import {
  createMemoryStoreFiles,
  embedded,
  type ServerOptions,
  type ServerTlsOptions,
} from '../../../core/server/index.js';
import { resolveServerOptions } from '../../../core/server/server-options.js';
import { runServerInWorker } from '../../../core/server/worker/worker-server.js';
import { embeddedContract } from '../../contract/embedded.js';
import { tempDir } from '../../kit/temp-dir.js';
import { ca, certificate } from '../../kit/tls-material.js';
import { waitFor } from '../../kit/wait-for.js';
import { rawClient, SMALL_STORE } from '../kit/running.js';

embeddedContract('in a worker', { worker: true });

const PORTS = { nameServerPort: 0, brokerPort: 0 };

/** The threads that are made while the test runs. */
function threads(): Worker[] {
  const made: Worker[] = [];
  const onWorker = (worker: Worker): void => void made.push(worker);
  process.on('worker', onWorker);
  onTestFinished(() => void process.off('worker', onWorker));
  return made;
}

/** A thread that is no server. */
const running = (code: string) => () => new Worker(code, { eval: true });

describe('what cannot go to another thread', () => {
  test.each<[string, Partial<ServerOptions>]>([
    ['transport', { transport: createMemoryTransport() }],
    ['clock', { clock: systemClock }],
    ['store.files', { store: { files: createMemoryStoreFiles() } }],
    ['tls', { tls: { mode: 'permissive', SNICallback: () => undefined } }],
  ])('%s is refused by name', (option, options) => {
    expect(() => embedded({ dir: 'd', worker: true, ...options })).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option }),
    );
  });

  test('certificates and keys can, as text and as bytes', async () => {
    const { cert, key } = certificate('server');
    const tls: ServerTlsOptions = { mode: 'enforcing', cert: Buffer.from(cert), key, ca: [Buffer.from(ca)] };
    const cluster = embedded({ dir: tempDir(), worker: true, store: SMALL_STORE, tls });
    const hold = await cluster.start();
    onTestFinished(() => hold.release());
    const client = rawClient(createTcpTransport({ tls: { ca } }));
    expect((await client.invoke(hold.nameServers, { code: 106 }, { timeoutMs: 5_000 })).code).toBe(0);
  });

  test('is no matter without a worker', () => {
    expect(resolveServerOptions({ dir: 'd', clock: systemClock, worker: false }, PORTS).clock).toBe(systemClock);
  });
});

describe('a worker that ends by itself', () => {
  test('is told to those who use it; the next start begins another in the same directory', async () => {
    const made = threads();
    const dir = tempDir();
    const lines: string[] = [];
    const line = (message: string): void => void lines.push(message);
    const logger = { debug: line, info: line, warn: line, error: line };
    const cluster = embedded({ dir, worker: true, store: SMALL_STORE, logger });
    const [one, two] = await Promise.all([cluster.start(), cluster.start()]);
    const told: unknown[] = [];
    one.onFailed((error) => told.push(error));
    two.onFailed((error) => told.push(error));
    const gone = await cluster.start();
    gone.onFailed(() => told.push('who gave its hold back'));
    await gone.release();
    expect(made).toHaveLength(1);
    await made[0]!.terminate();
    await waitFor(() => told.length === 2, { what: 'both to be told' });
    expect(told).not.toContain('who gave its hold back');
    expect(told[0]).toMatchObject({ code: 'RMQ_SERVER_FAILED', dir, exitCode: 1, retryable: false });
    expect(lines.filter((text) => text.includes('ended by itself'))).toHaveLength(1);
    expect(existsSync(join(dir, 'abort'))).toBe(true);
    // Who asks late is told too.
    const late = await new Promise((resolve) => one.onFailed(resolve));
    expect(late).toBe(told[0]);
    expect(cluster.statistics).toBeUndefined();

    const three = await cluster.start();
    expect(three.nameServers).toBe(one.nameServers);
    expect(made).toHaveLength(2);
    await one.release();
    await two.release();
    expect((await rawClient().invoke(three.nameServers, { code: 106 }, { timeoutMs: 3_000 })).code).toBe(0);
    await three.release();
  });

  test('is said by the client that has it as its cluster, which closes all the same', async () => {
    const made = threads();
    const lines: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void lines.push(message) };
    const cluster = embedded({ dir: tempDir(), worker: true, store: SMALL_STORE });
    const mq = await connect({ cluster, logger });
    await made[0]!.terminate();
    await waitFor(() => lines.length > 0, { what: 'the client to say so' });
    expect(lines).toEqual(['the cluster that runs for this client ended by itself']);
    await mq.close();
    // The same cluster serves the next client.
    const again = await connect({ cluster });
    const producer = await again.producer({ group: 'g' });
    expect((await producer.send({ topic: 'again', body: 'x' })).status).toBe('SEND_OK');
    await again.close();
  });

  test('before it could say anything fails the start, with what it threw', async () => {
    const options = resolveServerOptions({ dir: tempDir(), worker: true }, PORTS);
    await expect(runServerInWorker(options, running('throw new RangeError("no")'))).rejects.toMatchObject({
      code: 'RMQ_SERVER_FAILED',
      message: expect.stringContaining('RangeError: no'),
      cause: { name: 'RangeError', message: 'no' },
    });
    // As from a bundle, which has no file of the thread beside it.
    await expect(runServerInWorker(options, running('require("./server-worker.js")'))).rejects.toMatchObject({
      message: expect.stringContaining('Cannot find module'),
      hint: expect.stringContaining('leave multistage out of the bundle'),
    });
    await expect(runServerInWorker(options, running('process.exit(7)'))).rejects.toMatchObject({
      code: 'RMQ_SERVER_FAILED',
      exitCode: 7,
    });
  });

  test('refuses in words and can be closed', async () => {
    const made = threads();
    const options = resolveServerOptions({ dir: tempDir(), worker: true, store: SMALL_STORE }, PORTS);
    const server = await runServerInWorker(options);
    const failed = new Promise((resolve) => server.onFailed(resolve));
    await made[0]!.terminate();
    await failed;
    expect(server.refusal).toMatch(/worker thread .* ended by itself/);
    expect(server.statistics.store.messagesPut).toBe(0);
    await server.close();
  });
});
