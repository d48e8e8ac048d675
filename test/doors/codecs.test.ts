/** The built package finds the optional codecs in both of its formats. Runs on `dist`, which `npm test` builds first. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';

type ClientDoor = typeof import('../../core/index.js');
type ServerDoor = typeof import('../../core/server/index.js');

const dist = join(dirname(fileURLToPath(import.meta.url)), '../../dist');
const require = createRequire(import.meta.url);
const load = {
  esm: async (door: string): Promise<unknown> => import(join(dist, 'esm', door)),
  cjs: async (door: string): Promise<unknown> => require(join(dist, 'cjs', door)),
};

test.each(['esm', 'cjs'] as const)('lz4 and zstd are found by the package as %s', async (format) => {
  const { connect } = (await load[format]('core/index.js')) as ClientDoor;
  const { embedded } = (await load[format]('core/server/index.js')) as ServerDoor;
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }) }));
  const body = 'a line that is worth compressing\n'.repeat(300);
  for (const compression of ['lz4', 'zstd'] as const) {
    const producer = await mq.producer({ group: compression, compression });
    await producer.send({ topic: 'codecs', tag: compression, body });
  }
  const consumer = await mq.consumer({ group: 'g', subscribe: { codecs: '*' }, from: 'first' });
  const received = new Map<string | undefined, string>();
  await consumer.run((message) => void received.set(message.tag, message.body.toString()));
  await waitFor(() => received.size === 2, { what: 'both messages' });
  expect(Object.fromEntries(received)).toEqual({ lz4: body, zstd: body });
});
