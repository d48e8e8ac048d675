import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { Logger } from '../../core/runtime/logger.js';
import {
  type EmbeddedHold,
  embedded,
  type RunningServer,
  type ServerOptions,
  startServer,
} from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { invoke, pullFrom, rawClient, SMALL_STORE, sendTo } from '../server/kit/running.js';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | undefined;
}

function capturingLogger(): { readonly logger: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void =>
      void lines.push({ level, message, fields });
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** What an embedded server has to do, whatever thread it runs in. */
export function embeddedContract(name: string, where: Pick<ServerOptions, 'worker'>): void {
  describe(`an embedded server: ${name}`, () => {
    const cluster = (options: ServerOptions = {}) =>
      embedded({ dir: tempDir(), store: SMALL_STORE, ...where, ...options });

    const running = async (options: ServerOptions = {}): Promise<RunningServer> => {
      const defaults = { dir: tempDir(), nameServerPort: 0, brokerPort: 0, store: SMALL_STORE, ...where };
      return closeAfterTest(await startServer({ ...defaults, ...options }));
    };

    const release = (hold: EmbeddedHold): EmbeddedHold => {
      onTestFinished(() => hold.release());
      return hold;
    };

    test('does nothing before its first user, serves all of them, and stops with the last', async () => {
      const shared = cluster();
      expect(shared.statistics).toBeUndefined();
      const [one, two] = await Promise.all([shared.start(), shared.start()]);
      expect(one.nameServers).toBe(two.nameServers);
      expect(one.transport).toBeUndefined();
      expect(shared.statistics).toMatchObject({ refusedConnections: 0, store: { messagesPut: 0 } });
      await one.release();
      await one.release();
      const client = rawClient();
      const asked = await client.invoke(two.nameServers, { code: 106 }, { timeoutMs: 3_000 });
      expect(asked.code).toBe(0);
      await two.release();
      expect(shared.statistics).toBeUndefined();
      await expect(client.invoke(two.nameServers, { code: 106 }, { timeoutMs: 3_000 })).rejects.toMatchObject({
        code: expect.stringMatching(/RMQ_CONNECT_FAILED|RMQ_CONNECTION_LOST/),
      });
    });

    test('starts again after it stopped, on the same addresses, also while it is stopping', async () => {
      const shared = cluster();
      const first = await shared.start();
      const releasing = first.release();
      const second = release(await shared.start());
      await releasing;
      expect(second.nameServers).toBe(first.nameServers);
    });

    test('tells every user when it cannot start, and can be asked again', async () => {
      const dir = tempDir();
      const held = await cluster({ dir }).start();
      const shared = cluster({ dir });
      const results = await Promise.allSettled([shared.start(), shared.start()]);
      for (const result of results) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: { code: 'RMQ_STORE_LOCKED', dir, holder: `process ${process.pid}`, retryable: false },
        });
      }
      await held.release();
      await release(await shared.start()).release();
    });

    test('in memory forgets and needs no directory', async () => {
      const shared = embedded({ store: 'memory', ...where });
      const hold = await shared.start();
      const client = rawClient();
      const info = await client.invoke(hold.nameServers, { code: 106 }, { timeoutMs: 3_000 });
      const address = /"brokerAddrs":\{0:"([^"]+)"/.exec(info.body.toString())?.[1];
      expect(await sendTo(client, address!)).toMatchObject({ code: 0, ext: { queueOffset: '0' } });
      await hold.release();
      release(await shared.start());
      expect(shared.statistics?.store.commitLogMaxOffset).toBe(0);
    });

    test('takes messages, gives them back, wakes who waits, and counts', async () => {
      const server = await running();
      const client = rawClient();
      expect(await sendTo(client, server.brokerAddress, { body: 'one' })).toMatchObject({ code: 0 });
      const waiting = pullFrom(client, server.brokerAddress, { offset: 1, suspendMs: 15_000 });
      await waitFor(() => server.statistics.broker.heldPulls === 1, { what: 'the pull to be held' });
      await sendTo(client, server.brokerAddress, { body: 'two' });
      const pulled = await waiting;
      expect(readRecords(pulled.body).map(({ body }) => body.toString())).toEqual(['two']);
      await waitFor(() => server.statistics.store.messagesPut === 2, { what: 'both to be counted' });
      expect(server.refusal).toBeUndefined();
    });

    test('keeps messages and offsets over a restart, and marks the stop as clean', async () => {
      const dir = tempDir();
      const first = await running({ dir });
      const client = rawClient();
      await sendTo(client, first.brokerAddress, { body: 'kept' });
      const offset = { consumerGroup: 'G', topic: 'orders', queueId: 0 };
      await invoke(client, first.brokerAddress, RequestCode.UPDATE_CONSUMER_OFFSET, { ...offset, commitOffset: 1 });
      await first.close();
      await first.close();
      expect([existsSync(join(dir, 'abort')), existsSync(join(dir, 'multistage.lock'))]).toEqual([false, false]);
      const second = await running({ dir });
      expect([second.dir, second.nameServers, second.brokerAddress]).toEqual([
        dir,
        first.nameServers,
        first.brokerAddress,
      ]);
      const pulled = await pullFrom(client, second.brokerAddress);
      expect(readRecords(pulled.body).map(({ body }) => body.toString())).toEqual(['kept']);
      expect(await invoke(client, second.brokerAddress, RequestCode.QUERY_CONSUMER_OFFSET, offset)).toMatchObject({
        ext: { offset: '1' },
      });
    });

    test('says what is wrong with its address or its directory, in errors of their own', async () => {
      const squatter = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void squatter.close());
      await waitFor(() => squatter.listening, { what: 'the squatter' });
      const { port } = squatter.address() as { port: number };
      await expect(running({ brokerPort: port })).rejects.toMatchObject({
        name: 'RocketMQError',
        code: 'RMQ_ADDRESS_IN_USE',
        address: `127.0.0.1:${port}`,
      });
      const file = join(tempDir(), 'file');
      writeFileSync(file, '');
      await expect(running({ dir: file })).rejects.toMatchObject({
        code: 'RMQ_STORE_UNUSABLE',
        cause: { code: 'EEXIST' },
        hint: expect.stringContaining('Check permissions'),
      });
      await expect(running({ store: { deleteWhen: 'noon' } })).rejects.toMatchObject({
        code: 'RMQ_OPTIONS_INVALID',
        option: 'deleteWhen',
      });
    });

    test('logs to the logger it was given, facts and errors included', async () => {
      const { logger, lines } = capturingLogger();
      const dir = tempDir();
      const nameServers = '127.0.0.1:1';
      const server = await running({ dir, nameServers, logger });
      const warned = await waitFor(() => lines.find(({ level }) => level === 'warn'), { what: 'a warning' });
      expect(warned.message).toContain(nameServers);
      expect(warned.fields?.error).toBeInstanceOf(Error);
      expect(warned.fields?.error).toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
      await server.close();
    });

    test('refuses sends in words while the disk is full', async () => {
      const server = await running({ store: { ...SMALL_STORE, diskSpaceWarningLevelRatio: 0 } });
      expect(server.refusal).toMatch(/disk is full/);
      expect(await sendTo(rawClient(), server.brokerAddress)).toMatchObject({ code: 14 });
    });

    test('removes what is too much, and a reader that stood there is told where to go on', async () => {
      const store = {
        mappedFileSizeCommitLog: 4096,
        mappedFileSizeConsumeQueue: 200,
        maxHashSlotNum: 16,
        maxIndexNum: 50,
        commitLogSizeBytesMax: 8192,
        cleanResourceIntervalMs: 20,
        deleteCommitLogFilesIntervalMs: 1,
      };
      const server = await running({ store });
      const client = rawClient();
      for (let number = 0; number < 40; number++) {
        await sendTo(client, server.brokerAddress, { body: `${number} ${'x'.repeat(1000)}` });
      }
      await waitFor(() => server.statistics.store.commitLogMinOffset === 12 * 4096, { what: 'old files to go' });
      const moved = await waitFor(
        async () => {
          const pulled = await pullFrom(client, server.brokerAddress, { offset: 0 });
          // Three messages fill a file; two rounds take the files that are too many.
          return Number(pulled.ext.nextBeginOffset) === 36 ? pulled : undefined;
        },
        { what: 'the queue to begin later' },
      );
      expect(moved.code).toBe(21);
      const pulled = await pullFrom(client, server.brokerAddress, { offset: 36 });
      expect(pulled.code).toBe(0);
      expect(readRecords(pulled.body)[0]?.queueOffset).toBe(36);
    });
  });
}
