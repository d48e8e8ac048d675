import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../core/index.js';
import { builtInCompressors } from '../../core/message/compression/built-in.js';
import type { CompressionName, CompressionType, Compressor } from '../../core/message/compression/compressor.js';
import { collect } from './kit/collect.js';
import { codecs, drive } from './kit/java.js';
import { readReceived, readSent, writeOutgoing } from './kit/message-lines.js';
import { startOurServer } from './kit/our-server.js';
import { ANSWERED, PATIENT } from './kit/patience.js';
import { describeOutcome } from './kit/processes.js';

const MIB = 1024 * 1024;
const NAMES = ['zlib', 'lz4', 'zstd'] as const satisfies readonly CompressionName[];

const compressorOf = (name: CompressionName): Compressor => {
  const type = name.toUpperCase() as CompressionType;
  return builtInCompressors.find((compressor) => compressor.type === type) as Compressor;
};

/** Of every size at which a codec changes what it does. */
const bodies: readonly Buffer[] = [
  Buffer.from('x'),
  Buffer.alloc(40, 'a'),
  Buffer.from('ein Satz, der sich wiederholt; '.repeat(200)),
  Buffer.from(randomBytes(8_000).toString('hex')),
  randomBytes(70_000),
  Buffer.from(randomBytes(150_000).toString('base64')),
  Buffer.alloc(MIB - 1, 'a body that compresses well; '),
  randomBytes(MIB),
];

async function askJava(lines: readonly string[]): Promise<string[]> {
  const outcome = await codecs(inject('java'), `${lines.join('\n')}\n`);
  expect(outcome.exitCode, describeOutcome('codecs', outcome)).toBe(0);
  return outcome.stdout.trimEnd().split('\n');
}

describe.each(NAMES)('%s', (name) => {
  const compressor = compressorOf(name);
  const ours: Buffer[] = [];

  beforeAll(async () => {
    for (const body of bodies) ours.push(await compressor.compress(body, 5));
  });

  test('what Java compressed we read, at its levels', async () => {
    for (const level of [1, 5, 9]) {
      const written = await askJava(
        bodies.map((body) => `compress ${compressor.type} ${level} ${body.toString('hex')}`),
      );
      for (const [index, body] of bodies.entries()) {
        const frame = Buffer.from(written[index] ?? '', 'hex');
        const plain = await compressor.decompress(frame, body.length);
        expect(plain.equals(body), `body ${index} at level ${level}`).toBe(true);
        if (body.length > 1) {
          await expect(async () => compressor.decompress(frame, body.length - 1)).rejects.toMatchObject({
            code: 'RMQ_DECOMPRESS_FAILED',
          });
        }
      }
    }
  });

  test('what we compressed Java reads', async () => {
    const read = await askJava(ours.map((frame) => `decompress ${compressor.type} ${frame.toString('hex')}`));
    for (const [index, body] of bodies.entries()) {
      expect(Buffer.from(read[index] ?? '', 'hex').equals(body), `body ${index}: ${read[index]?.slice(0, 200)}`).toBe(
        true,
      );
    }
  });

  test('a Java consumer reads what our producer sends through Apache', async () => {
    const topic = `codec_${name}_to_java`;
    const { nameServer } = inject('apache');
    const mq = await connect({ ...PATIENT, nameServers: nameServer });
    const producer = await mq.producer({
      group: topic,
      compression: name,
      compressThresholdBytes: 1,
      ...ANSWERED,
    });
    for (const body of bodies) await producer.send({ topic, body });
    await mq.close();
    const outcome = await drive(inject('java'), nameServer, 'consume', [topic, `reads_${topic}`, `${bodies.length}`]);
    expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
    const received = readReceived(outcome.stdout);
    const inOrder = (some: readonly Buffer[]) => some.map((body) => body.toString('hex')).sort();
    expect(inOrder(received.map(({ body }) => body))).toEqual(inOrder(bodies));
    const flags = new Map(received.map(({ body, sysFlag }) => [body.length, sysFlag & 0x700]));
    for (const [index, body] of bodies.entries()) {
      const smaller = (ours[index] as Buffer).length < body.length;
      expect(flags.get(body.length), `flag of body ${index}`).toBe(smaller ? compressor.sysFlagBits : 0);
    }
  });

  test.each(['apache', 'our server'] as const)(
    'our consumer reads what a Java producer sends through %s',
    async (which) => {
      const topic = `codec_${name}_from_java`;
      const target =
        which === 'apache' ? { ...inject('apache'), close: async () => undefined } : await startOurServer();
      try {
        const large = bodies.filter((body) => body.length >= 4_096);
        const outcome = await drive(inject('java'), target.nameServer, 'produce', [], {
          systemProperties: [`rocketmq.message.compressType=${compressor.type}`],
          input: large.map((body) => writeOutgoing({ topic, body })).join('\n'),
        });
        expect(outcome.exitCode, describeOutcome('produce', outcome)).toBe(0);
        const ids = readSent(outcome.stdout).map(({ msgId }) => msgId);
        const received = new Map(
          (await collect({ nameServers: target.nameServer }, topic, large.length)).map((message) => [
            message.msgId,
            message,
          ]),
        );
        for (const [index, body] of large.entries()) {
          const message = received.get(ids[index] ?? '');
          expect(message?.body.equals(body), `body ${index}`).toBe(true);
          expect((message?.sysFlag ?? 0) & 0x700).toBe(compressor.sysFlagBits);
        }
      } finally {
        await target.close();
      }
    },
  );
});

test.each(['lz4', 'zstd'] as const)('%s frames that follow one another are one body to both', async (name) => {
  const compressor = compressorOf(name);
  const [one, two] = [bodies[2] as Buffer, bodies[3] as Buffer];
  const javas = await askJava([one, two].map((body) => `compress ${compressor.type} 5 ${body.toString('hex')}`));
  const [first = '', last = ''] = javas;
  const ours = await compressor.compress(two, 5);
  const mixed = Buffer.concat([Buffer.from(first, 'hex'), ours, Buffer.from(last, 'hex')]);
  const expected = Buffer.concat([one, two, two]);
  expect((await compressor.decompress(mixed, MIB)).equals(expected)).toBe(true);
  const [read = ''] = await askJava([`decompress ${compressor.type} ${mixed.toString('hex')}`]);
  expect(Buffer.from(read, 'hex').equals(expected), read.slice(0, 200)).toBe(true);
});
