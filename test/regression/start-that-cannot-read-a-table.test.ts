/**
 * A start that could not read one of its tables failed, as it should, and on its way out saved the others as if they had been
 * read: how far transactions are went back to 0, so that the next start took every transaction that ever was for open.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { silentLogger } from '../../core/runtime/logger.js';
import { ConsumerOffsetManager } from '../../core/server/broker/groups/consumer-offset-manager.js';
import { ReviveService } from '../../core/server/broker/pop/revive-service.js';
import { startServer } from '../../core/server/index.js';
import { runServer } from '../../core/server/run-server.js';
import { resolveServerOptions } from '../../core/server/server-options.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { tempDir } from '../kit/temp-dir.js';
import { invoke, rawClient, SMALL_STORE, sendTo } from '../server/kit/running.js';

const TABLES = ['topics', 'subscriptionGroup', 'consumerOffset', 'messageRequestMode', 'kvConfig'];

test.each(TABLES)('%s.json cannot be read: the start fails, and every table stays as it was', async (table) => {
  const volume = new FaultyVolume();
  const options = {
    ...{ dir: '/data', nameServerPort: 0, brokerPort: 0 },
    store: { ...SMALL_STORE, files: volume },
  };
  const tables = (): Record<string, string> =>
    Object.fromEntries(
      volume
        .list('/data/config')
        .filter((name) => name.endsWith('.json') && name !== 'multistage-ports.json')
        .map((name) => {
          const file = volume.open(`/data/config/${name}`);
          const bytes = Buffer.alloc(file.sizeBytes);
          file.readSync(bytes, 0);
          return [name, bytes.toString()];
        }),
    );
  const server = closeAfterTest(await startServer(options));
  const client = rawClient();
  const put = { namespace: 'N', key: 'k', value: 'v' };
  await invoke(client, server.nameServers, RequestCode.PUT_KV_CONFIG, put);
  await sendTo(client, server.brokerAddress);
  const half = { ...HALF, g: Date.now() };
  const prepared = await invoke(client, server.brokerAddress, RequestCode.SEND_MESSAGE_V2, half, 'half');
  expect(prepared.code).toBe(0);
  const mode = { topic: 'orders', consumerGroup: 'G', mode: 'POP', popShareQueueNum: 0 };
  await invoke(client, server.brokerAddress, RequestCode.SET_MESSAGE_REQUEST_MODE, {}, JSON.stringify(mode));
  const commit = { consumerGroup: 'G', topic: 'orders', queueId: 0, commitOffset: 1 };
  await invoke(client, server.brokerAddress, RequestCode.UPDATE_CONSUMER_OFFSET, commit);
  const offset = Number(`0x${prepared.ext.msgId!.slice(-16)}`);
  const end = {
    ...{ producerGroup: 'PG', tranStateTableOffset: 0, commitLogOffset: offset, commitOrRollback: 8 },
    fromTransactionCheck: false,
  };
  expect((await invoke(client, server.brokerAddress, RequestCode.END_TRANSACTION, end)).code).toBe(0);
  await server.close();
  const before = tables();
  expect(Object.keys(before)).toContain(`${table}.json`);
  volume.fault = (operation, path) => {
    if (operation === 'read' && path.endsWith(`/${table}.json`)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  await expect(startServer(options)).rejects.toMatchObject({ code: 'RMQ_STORE_UNUSABLE' });
  volume.fault = () => undefined;
  expect(tables()).toEqual(before);
  closeAfterTest(await startServer(options));
});

test('a part of the broker that cannot be stopped keeps neither the others from saving nor the directory', async () => {
  const dir = tempDir();
  const errors: unknown[] = [];
  const logger = { ...silentLogger, error: (_message: string, fields?: object) => void errors.push(fields) };
  const resolved = resolveServerOptions({ dir, logger, store: SMALL_STORE }, { nameServerPort: 0, brokerPort: 0 });
  const server = await runServer(resolved);
  const why = new Error('EIO');
  server.part(ReviveService).close = () => Promise.reject(why);
  const commit = { consumerGroup: 'G', topic: 'orders', queueId: 0, commitOffset: 7 };
  const client = rawClient();
  await sendTo(client, server.brokerAddress);
  await invoke(client, server.brokerAddress, RequestCode.UPDATE_CONSUMER_OFFSET, commit);
  await server.close();
  expect(errors).toEqual([{ error: why }]);
  const again = closeAfterTest(await runServer(resolved));
  expect(again.part(ConsumerOffsetManager).query('G', 'orders', 0)).toBe(7);
});

const HALF = {
  ...{ a: 'PG', b: 'orders', c: 'TBW102', d: 4, e: 0, f: 4, h: 0, j: 0, k: false, m: false },
  i: 'TRAN_MSG\u0001true\u0002PGROUP\u0001PG',
};
