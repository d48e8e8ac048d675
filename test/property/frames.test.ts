import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import { FrameDecoder } from '../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame, type FrameCommand } from '../../core/remoting/protocol/frame-encoder.js';
import type { RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import { inheritsNothing } from '../kit/inherits-nothing.js';
import { anyText, bytes, damaged, garbage, int32, RUNS, tableOf, wellFormedText } from './arbitraries.js';

const name = wellFormedText.filter((text) => text.length > 0 && Buffer.byteLength(text) < 0x8000);

const command: fc.Arbitrary<FrameCommand & { body: Buffer }> = fc.record({
  code: fc.oneof(fc.integer({ min: 0, max: 330 }), int32),
  language: fc.integer({ min: 0, max: 13 }),
  version: fc.integer({ min: 0, max: 700 }),
  opaque: int32,
  flag: fc.oneof(fc.integer({ min: 0, max: 3 }), int32),
  remark: fc.option(
    wellFormedText.filter((text) => text.length > 0),
    { nil: undefined },
  ),
  ext: tableOf(name, wellFormedText),
  body: bytes,
});

const serializeType = fc.constantFrom<SerializeType>(0, 1);

function write(one: FrameCommand & { body: Buffer }, type: SerializeType): Buffer {
  return Buffer.concat([encodeFrame(one, type, one.body.length), one.body]);
}

/** Everything of a command; fields as sorted entries, since `__proto__` is a name like any other here. */
const meaning = (one: Omit<RemotingCommand, 'serializeType'> | FrameCommand) => ({
  code: one.code,
  language: one.language,
  version: one.version,
  opaque: one.opaque,
  flag: one.flag,
  remark: one.remark,
  ext: Object.entries(one.ext ?? {}).sort(([first], [second]) => (first < second ? -1 : 1)),
  body: Buffer.from(one.body!).toString('hex'),
});

function readAll(stream: Buffer, cuts: readonly number[] = []): RemotingCommand[] {
  const read: RemotingCommand[] = [];
  const decoder = new FrameDecoder({ onCommand: (one) => read.push(one) });
  let from = 0;
  for (const cut of [...cuts, stream.length]) {
    decoder.push(stream.subarray(from, Math.max(cut, from)));
    from = Math.max(cut, from);
  }
  return read;
}

test('any command reads as what was written, in both encodings', () => {
  const property = fc.property(command, serializeType, (one, type) => {
    const [read, ...others] = readAll(write(one, type));
    expect(others).toHaveLength(0);
    expect(meaning(read!)).toEqual(meaning(one));
    expect(inheritsNothing(read!.ext)).toBe(true);
    const fitsBinary = one.code >= -0x8000 && one.code <= 0x7fff;
    expect(read!.serializeType).toBe(fitsBinary ? type : 0);
  });
  fc.assert(property, RUNS);
});

test('numbers, booleans and bigints are written as Java writes them, and undefined is not written', () => {
  const value = fc.oneof(
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.double(),
    fc.constant(undefined),
  );
  const property = fc.property(fc.dictionary(fc.string({ minLength: 1 }), value), serializeType, (ext, type) => {
    const one = { code: 1, opaque: 0, flag: 0, ext, body: Buffer.alloc(0) };
    const [read] = readAll(write(one, type));
    const expected = Object.entries(ext).filter(([, member]) => member !== undefined);
    expect(Object.entries(read!.ext)).toHaveLength(expected.length);
    for (const [key, member] of expected) expect(read!.ext[key]).toBe(String(member));
  });
  fc.assert(property, RUNS);
});

test('a stream reads the same wherever it is cut', () => {
  const stream = fc.array(fc.tuple(command, serializeType), { minLength: 1, maxLength: 5 });
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
  const property = fc.property(stream, cuts, (written, places) => {
    const whole = Buffer.concat(written.map(([one, type]) => write(one, type)));
    const sorted = places.map((place) => Math.floor(place * whole.length)).sort((first, second) => first - second);
    expect(readAll(whole, sorted).map(meaning)).toEqual(written.map(([one]) => meaning(one)));
  });
  fc.assert(property, RUNS);
});

test('a frame reads the same when it is cut at every byte', () => {
  const property = fc.property(command, serializeType, (one, type) => {
    const frame = write({ ...one, body: Buffer.from(one.body.subarray(0, 5)) }, type);
    const every = Array.from({ length: frame.length }, (_, position) => position);
    expect(readAll(frame, every).map(meaning)).toEqual(readAll(frame).map(meaning));
  });
  fc.assert(property, { numRuns: 200 });
});

/** Pushes bytes in pieces; true when they were taken, false when refused by name. Anything else fails the test. */
function survives(stream: Buffer, piece: number): boolean {
  // The decoder must not look beyond what it was given: what lies behind is a trap.
  const trapped = Buffer.concat([stream, Buffer.alloc(64, 0xff)]).subarray(0, stream.length);
  let consumed = 0;
  const decoder = new FrameDecoder({
    frameSizeBytesMax: 1 << 20,
    onCommand: (one) => {
      consumed += 8 + one.body.length;
      for (const value of Object.values(one.ext)) expect(value).toBeTypeOf('string');
    },
  });
  try {
    for (let at = 0; at < trapped.length; at += piece)
      decoder.push(trapped.subarray(at, Math.min(at + piece, trapped.length)));
  } catch (error) {
    expect(isRocketMQError(error, 'RMQ_FRAME_INVALID')).toBe(true);
    expect(decoder.bufferedBytes).toBe(0);
    decoder.push(stream);
    return false;
  }
  expect(consumed + decoder.bufferedBytes).toBeLessThanOrEqual(stream.length);
  return true;
}

test('garbage is refused by name or waited on, and never loops or over-reads', () => {
  let refused = 0;
  const property = fc.property(garbage, fc.integer({ min: 1, max: 40 }), (stream, piece) => {
    if (!survives(stream, piece)) refused++;
  });
  fc.assert(property, { numRuns: 3000 });
  expect(refused).toBeGreaterThan(500);
});

test('a damaged frame is refused by name, waited on, or read as another frame', () => {
  const property = fc.property(
    fc.tuple(command, serializeType).chain(([one, type]) => damaged(write(one, type))),
    fc.integer({ min: 1, max: 400 }),
    (stream, piece) => {
      survives(stream, piece);
    },
  );
  fc.assert(property, { numRuns: 3000 });
});

test('text without a UTF-8 form never breaks a frame', () => {
  const property = fc.property(anyText, anyText, serializeType, (key, value, type) => {
    const one = { code: 1, opaque: 0, flag: 0, remark: value, ext: { [`k${key}`]: value }, body: Buffer.alloc(0) };
    expect(readAll(write(one, type))).toHaveLength(1);
  });
  fc.assert(property, RUNS);
});
