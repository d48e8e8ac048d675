import { expect, test } from 'vitest';
import { type Compressor, Compressors, connect, type Plugin, rocketMQError } from '../../core/index.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { embedded } from '../../core/server/index.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';

const LARGE = 'a line that is worth compressing\n'.repeat(400);

test('bodies of every codec reach a consumer as they were sent', async () => {
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }) }));
  for (const compression of ['zlib', 'lz4', 'zstd'] as const) {
    const producer = await mq.producer({ group: `with-${compression}`, compression });
    await producer.send({ topic: 'codecs', tag: compression, body: LARGE });
    await producer.send({ topic: 'codecs', tag: 'short', body: compression });
  }
  const consumer = await mq.consumer({ group: 'readers', subscribe: { codecs: '*' }, from: 'first' });
  const flags = new Map<string | undefined, number>();
  let short = 0;
  await consumer.run((message) => {
    if (message.tag === 'short') {
      expect(message.sysFlag & SysFlag.COMPRESSION_MASK).toBe(0);
      short++;
      return;
    }
    expect(Buffer.from(message.body).toString()).toBe(LARGE);
    flags.set(message.tag, message.sysFlag & SysFlag.COMPRESSION_MASK);
  });
  await waitFor(() => flags.size === 3 && short === 3, { what: 'all messages' });
  expect(Object.fromEntries(flags)).toEqual({ zlib: 0x300, lz4: 0x100, zstd: 0x200 });
});

test('a consumer leaves a body beyond its limit alone', async () => {
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }) }));
  const producer = await mq.producer({ group: 'bombers', compression: 'lz4' });
  const { queue } = await producer.send({ topic: 'bombs', body: LARGE });
  await producer.send(
    { topic: 'bombs', body: LARGE.slice(0, 8_000) },
    { queue: { ...queue, queueId: (queue.queueId + 1) % 4 } },
  );
  const consumer = await mq.consumer({
    group: 'careful',
    subscribe: { bombs: '*' },
    from: 'first',
    decompressedSizeBytesMax: 10_000,
  });
  const failures: unknown[] = [];
  consumer.events$.subscribe((event) => {
    if (event.type === 'failed') failures.push(event.error);
  });
  const bodies: number[] = [];
  await consumer.run(({ body }) => void bodies.push(body.length));
  await waitFor(() => failures.length > 0 && bodies.length > 0, { what: 'both ends' });
  expect(failures[0]).toMatchObject({ code: 'RMQ_DECOMPRESS_FAILED' });
  expect(bodies).toEqual([8_000]);
});

test('a producer whose codec is not installed is not made', async () => {
  const missing: Plugin<void> = {
    name: 'no-codecs',
    setup: (host) => {
      const lz4: Compressor = {
        type: 'LZ4',
        sysFlagBits: SysFlag.COMPRESSION_LZ4,
        load: () => Promise.reject(rocketMQError('RMQ_CODEC_MISSING', 'not installed', { codec: 'LZ4' })),
        compress: (body) => Buffer.from(body),
        decompress: (body) => Buffer.from(body),
      };
      host.bind(Compressors, { value: [lz4] });
    },
  };
  const mq = closeAfterTest(await connect({ cluster: embedded({ store: 'memory' }), plugins: [missing] }));
  await expect(mq.producer({ group: 'g', compression: 'lz4' })).rejects.toMatchObject({ code: 'RMQ_CODEC_MISSING' });
  await expect(mq.producer({ group: 'g', compression: 'zstd' })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'compression',
  });
  await expect(mq.producer({ group: 'g', compression: 'gzip' as never })).rejects.toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'compression',
  });
  const producer = await mq.producer({ group: 'g' });
  expect((await producer.send({ topic: 't', body: LARGE })).status).toBe('SEND_OK');
});
