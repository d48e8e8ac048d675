import { expect, test } from 'vitest';
import { FRAME_SIZE_BYTES_MAX, FrameDecoder } from '../../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame } from '../../../core/remoting/protocol/frame-encoder.js';
import { type RemotingCommand, SerializeType } from '../../../core/remoting/protocol/remoting-command.js';
import { inheritsNothing } from '../../kit/inherits-nothing.js';

function setup(frameSizeBytesMax?: number) {
  const commands: RemotingCommand[] = [];
  const onCommand = (command: RemotingCommand) => commands.push(command);
  const decoder = new FrameDecoder(frameSizeBytesMax === undefined ? { onCommand } : { frameSizeBytesMax, onCommand });
  return { decoder, commands };
}

function words(...values: (number | string)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (typeof value === 'string') return Buffer.from(value, 'latin1');
      const bytes = Buffer.alloc(4);
      bytes.writeInt32BE(value | 0);
      return bytes;
    }),
  );
}

function frame(body: Buffer, serializeType: SerializeType = SerializeType.ROCKETMQ): Buffer {
  const header = encodeFrame({ code: 10, opaque: 1, flag: 0, ext: { a: 'b' } }, serializeType, body.length);
  return Buffer.concat([header, body]);
}

const BINARY = 1 << 24;
const binaryHeader = (remarkLength: number, fieldsLength: number, fields = '') =>
  words('\0\x0a\0\x01\x97', 1, 0, remarkLength, fieldsLength, fields);

test.each([
  ['a negative length', words(-1)],
  ['the smallest length there is', words(-0x80000000)],
  ['a length of 2 GiB', words(0x7fffffff)],
  ['a length of zero', words(0)],
  ['a length without room for the header word', words(3)],
  ['one byte more than the limit', words(FRAME_SIZE_BYTES_MAX - 3)],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  ['a TLS hello', Buffer.from('16030100f8010000f40303', 'hex')],
  ['serialize type 2', words(25, 0x02000015)],
  ['serialize type 255', words(25, -1)],
  ['a header longer than the frame', words(25, BINARY | 22)],
  ['a header of 16 MiB', words(100, 0x00ffffff)],
  ['a binary header of 20 bytes', words(24, BINARY | 20)],
  ['a negative remark length', words(25, BINARY | 21, binaryHeader(-1, 0).toString('latin1'))],
  ['a remark longer than the header', words(25, BINARY | 21, binaryHeader(1, 0).toString('latin1'))],
  ['a remark of 2 GiB', words(25, BINARY | 21, binaryHeader(0x7fffffff, 0).toString('latin1'))],
  ['fields of negative length', words(25, BINARY | 21, binaryHeader(0, -1).toString('latin1'))],
  ['fields longer than the header', words(25, BINARY | 21, binaryHeader(0, 1).toString('latin1'))],
  ['a field cut in its name’s length', words(26, BINARY | 22, binaryHeader(0, 1, 'x').toString('latin1'))],
  ['a field’s name that leads out', words(29, BINARY | 25, binaryHeader(0, 4, '\0\x09ab').toString('latin1'))],
  [
    'a field’s name of negative length',
    words(31, BINARY | 27, binaryHeader(0, 6, '\xff\xff\0\0\0\0').toString('latin1')),
  ],
  [
    'a field’s value that leads out',
    words(32, BINARY | 28, binaryHeader(0, 7, '\0\x01a\0\0\0\x01').toString('latin1')),
  ],
  [
    'a field’s value of negative length',
    words(32, BINARY | 28, binaryHeader(0, 7, '\0\x01a\xff\xff\xff\xff').toString('latin1')),
  ],
  ['a JSON header that is no JSON', words(12, 8, '{"code":')],
  ['a JSON header that is no object', words(8, 4, 'null')],
  ['an empty JSON header', words(4, 0)],
  ['a JSON header with a code that is no int', words(4 + 12, 12, '{"code":1.5}')],
  ['a JSON header with fields that are no object', words(4 + 17, 17, '{"extFields":[1]}')],
  ['a JSON header with a remark that is no string', words(4 + 12, 12, '{"remark":1}')],
])('%s is refused, whole and byte by byte', (_what, bytes) => {
  const whole = setup();
  expect(() => whole.decoder.push(bytes)).toThrow(expect.objectContaining({ code: 'RMQ_FRAME_INVALID' }));
  const piecemeal = setup();
  expect(() => {
    for (const byte of bytes) piecemeal.decoder.push(Buffer.from([byte]));
  }).toThrow(expect.objectContaining({ code: 'RMQ_FRAME_INVALID' }));
  expect([...whole.commands, ...piecemeal.commands]).toHaveLength(0);
});

test('frames before the garbage are reported, and nothing after it', () => {
  const { decoder, commands } = setup();
  const good = frame(Buffer.from('x'));
  expect(() => decoder.push(Buffer.concat([good, words(-1), good]))).toThrow(/RMQ|No remoting frame/);
  decoder.push(good);
  expect(commands).toHaveLength(1);
});

test('a frame of exactly the limit is read, one byte more is refused at its length', () => {
  const empty = frame(Buffer.alloc(0));
  const { decoder, commands } = setup(empty.length + 100);
  decoder.push(frame(Buffer.alloc(100, 7)));
  expect(commands[0]!.body).toHaveLength(100);
  expect(() => decoder.push(frame(Buffer.alloc(101)).subarray(0, 4))).toThrow(/length/);
});

test('a body is a view into the chunk that it came in', () => {
  const { decoder, commands } = setup();
  const chunk = frame(Buffer.from('body'));
  decoder.push(chunk);
  expect(commands[0]!.body.buffer).toBe(chunk.buffer);
});

test('a promise of 16 MiB takes no memory before the bytes come', () => {
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 200 }, () => setup().decoder);
  for (const decoder of decoders) decoder.push(words(FRAME_SIZE_BYTES_MAX - 4, BINARY | 21, 'x'));
  // 64 KiB each at most; 3.2 GB if each promise were believed.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200 * 70_000);
  expect(decoders[0]!.bufferedBytes).toBe(9);
});

test('a large frame in tiny chunks is gathered without copying it again and again', () => {
  const { decoder, commands } = setup();
  const large = frame(Buffer.alloc(4 * 1024 * 1024, 0x61));
  for (let at = 0; at < large.length; at += 512) decoder.push(large.subarray(at, at + 512));
  expect(commands).toHaveLength(1);
  expect(commands[0]!.body.equals(large.subarray(-4 * 1024 * 1024))).toBe(true);
  expect(decoder.bufferedBytes).toBe(0);
});

test('a frame that spans chunks is gathered in memory of its own size', () => {
  const { decoder, commands } = setup();
  const small = frame(Buffer.from('body'));
  decoder.push(Buffer.concat([small, small.subarray(0, 20)]));
  decoder.push(Buffer.concat([small.subarray(20), small]));
  expect(commands).toHaveLength(3);
  expect(commands[1]!.body.buffer.byteLength).toBe(small.length);
});

test('a decoder that is stopped by what it reports reports nothing more of the chunk', () => {
  const commands: RemotingCommand[] = [];
  const decoder = new FrameDecoder({
    onCommand: (command) => {
      commands.push(command);
      decoder.stop();
    },
  });
  const one = frame(Buffer.from('x'));
  decoder.push(Buffer.concat([one, one, one]));
  decoder.push(one);
  expect(commands).toHaveLength(1);
});

test('what onCommand throws comes out of push', () => {
  const decoder = new FrameDecoder({
    onCommand: () => {
      throw new Error('from the listener');
    },
  });
  expect(() => decoder.push(frame(Buffer.alloc(0)))).toThrow('from the listener');
});

function readJson(header: string): RemotingCommand {
  const { decoder, commands } = setup();
  const bytes = Buffer.from(header);
  decoder.push(Buffer.concat([words(4 + bytes.length, bytes.length), bytes]));
  return commands[0]!;
}

test('JSON headers are read as Java reads them', () => {
  const command = readJson(
    '{"code":105,"unknown":{"x":[1]},"remark":null,"language":"KLINGON","extFields":{"n":5,"b":true,"gone":null,"f":1.5,"nested":{"a":1},"":"x","__proto__":"p"}}',
  );
  expect(command).toMatchObject({ code: 105, language: -1, version: 0, opaque: 0, flag: 0, remark: undefined });
  expect(Object.entries(command.ext)).toEqual([
    ['n', '5'],
    ['b', 'true'],
    ['f', '1.5'],
    ['__proto__', 'p'],
  ]);
  expect(inheritsNothing(command.ext)).toBe(true);
  expect(readJson('{}').ext).toEqual({});
  expect(readJson('{"language":"GO"}').language).toBe(9);
});

test('a number in a header’s fields is exact beyond 2^53', () => {
  const { ext } = readJson(
    '{"code":1,"extFields":{"a":9007199254740993,"b":-9223372036854775808,"c":1e300,"d":7,"e":"s"}}',
  );
  expect({ ...ext }).toEqual({ a: '9007199254740993', b: '-9223372036854775808', c: '1e+300', d: '7', e: 's' });
});

test('binary fields with an empty value are empty, with an empty name are nothing', () => {
  const { decoder, commands } = setup();
  const fields = '\0\x01a\0\0\0\0' + '\0\0\0\0\0\x01x' + '\0\x01a\0\0\0\x01y';
  decoder.push(
    words(25 + fields.length, BINARY | (21 + fields.length), binaryHeader(0, fields.length, fields).toString('latin1')),
  );
  expect({ ...commands[0]!.ext }).toEqual({ a: 'y' });
  expect(commands[0]!.language).toBe(0);
});
