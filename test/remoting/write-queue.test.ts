import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinFrames, UnheardFrame } from '../../core/remoting/outgoing-frame.js';
import { LentMemory, leave } from '../../core/remoting/protocol/frame-memory.js';
import { HeaderWriter } from '../../core/remoting/protocol/header-writer.js';
import type { Wire } from '../../core/remoting/transport.js';
import { WriteQueue } from '../../core/remoting/write-queue.js';
import { nextTurn } from '../kit/wait-for.js';

const writer = new HeaderWriter();

function frame(header: Uint8Array, body?: Uint8Array, bodyParts?: readonly Uint8Array[]): UnheardFrame {
  const made = Object.assign(new UnheardFrame(), { body, bodyParts });
  writer.begin();
  writer.bytes(header, 0);
  writer.end(made, undefined);
  return made;
}

/** A wire that keeps what is written and drains when told. */
function fakeWire(writable = true) {
  const writes: string[] = [];
  const wire = {
    writable,
    bufferedBytes: 0,
    writes,
    write(buffers: readonly Uint8Array[]) {
      writes.push(Buffer.concat(buffers).toString());
      return wire.writable;
    },
  };
  return wire as typeof wire & Wire;
}

const text = (value: string): UnheardFrame => frame(Buffer.from(value));

describe('joining frames', () => {
  test('any frames, whatever their sizes, become the same bytes in the same order', () => {
    const size = fc.oneof(fc.nat(40), fc.constantFrom(4_095, 4_096, 4_097, 20_000, 270_000));
    const plan = fc.record({
      header: fc.integer({ min: 1, max: 300 }),
      body: fc.option(size, { nil: undefined }),
      parts: fc.option(fc.array(size, { maxLength: 3 }), { nil: undefined, freq: 5 }),
      takenBack: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(plan, { maxLength: 30 }), fc.boolean(), (plans, taken) => {
        let fill = 0;
        const bytes = (length: number): Buffer => Buffer.alloc(length, ++fill % 251);
        const expected: Uint8Array[] = [];
        const frames = plans.map(({ header, body, parts, takenBack }) => {
          const head = bytes(header);
          const made = frame(head, parts ? undefined : body === undefined ? undefined : bytes(body), parts?.map(bytes));
          if (takenBack) leave(made);
          else expected.push(head, ...(made.bodyParts ?? (made.body ? [made.body] : [])));
          return made;
        });
        const lent = new LentMemory();
        const joined = Buffer.concat(joinFrames(frames, lent));
        lent.release(taken);
        expect(joined.equals(Buffer.concat(expected))).toBe(true);
        for (const [index, each] of frames.entries()) expect(each.written).toBe(!plans[index]!.takenBack);
      }),
      { numRuns: 200 },
    );
  });

  test('a large body is not copied, small ones are joined', () => {
    const large = Buffer.alloc(100_000);
    const frames = [text('a'), text('b'), frame(Buffer.from('c'), large), text('d')];
    const buffers = joinFrames(frames, new LentMemory());
    expect(buffers.map((buffer) => buffer.length)).toEqual([3, 100_000, 1]);
    expect(buffers[1]).toBe(large);
  });
});

test('memory of a write that the wire still needs is not used for the next one', () => {
  const lent = new LentMemory();
  const first = joinFrames([text('first '), text('write')], lent);
  lent.release(false);
  const second = joinFrames([text('second'), text(' write')], lent);
  lent.release(true);
  expect(Buffer.concat(first).toString()).toBe('first write');
  expect(Buffer.concat(second).toString()).toBe('second write');
  const third = joinFrames([text('third'), text(' write')], lent);
  lent.release(true);
  expect(third[0]!.buffer).toBe(second[0]!.buffer);
  expect(third[0]!.buffer).not.toBe(first[0]!.buffer);
});

describe('write queue', () => {
  test('what is added in one turn leaves in one write by microtask; a held turn leaves when it ends', async () => {
    const wire = fakeWire();
    const queue = new WriteQueue(() => {});
    queue.add(text('before '));
    queue.attach(wire);
    expect(wire.writes).toEqual(['before ']);
    queue.add(text('one '));
    queue.add(text('two'));
    expect(wire.writes).toHaveLength(1);
    await Promise.resolve();
    expect(wire.writes).toEqual(['before ', 'one two']);
    expect(queue.hold()).toBe(true);
    expect(queue.hold()).toBe(false);
    queue.add(text('held'));
    await nextTurn();
    expect(wire.writes).toHaveLength(2);
    queue.release();
    expect(wire.writes[2]).toBe('held');
  });

  test('a wire that wants to drain is written to again when it has', async () => {
    const wire = fakeWire(false);
    const queue = new WriteQueue(() => {});
    queue.attach(wire);
    queue.add(text('first'));
    await nextTurn();
    queue.add(text('second'));
    const third = text('third');
    queue.add(third);
    await nextTurn();
    expect(wire.writes).toEqual(['first']);
    expect(queue.unsentBytes).toBe('secondthird'.length);
    queue.takeBack(third);
    queue.takeBack(third);
    expect(queue.unsentBytes).toBe('second'.length);
    wire.writable = true;
    queue.onDrained();
    expect(wire.writes).toEqual(['first', 'second']);
    expect(queue.unsentBytes).toBe(0);
  });

  test('taken-back frames do not pile up in a queue that cannot leave', () => {
    const queue = new WriteQueue(() => {});
    const kept = text('kept');
    queue.add(kept);
    for (let count = 0; count < 10_000; count++) {
      const each = text('dropped');
      queue.add(each);
      queue.takeBack(each);
    }
    expect(queue.length).toBeLessThan(1_000);
    const wire = fakeWire();
    queue.attach(wire);
    expect(wire.writes).toEqual(['kept']);
  });
});

test('frames that wait in one queue stay as they are while another queue writes and writes', async () => {
  const waiting = new WriteQueue(() => {});
  const busy = new WriteQueue(() => {});
  const wire = fakeWire();
  busy.attach(wire);
  waiting.add(text('I wait'));
  for (let turn = 0; turn < 3; turn++) {
    busy.add(text(`turn ${turn}`));
    await Promise.resolve();
  }
  const late = fakeWire();
  waiting.attach(late);
  expect(wire.writes).toEqual(['turn 0', 'turn 1', 'turn 2']);
  expect(late.writes).toEqual(['I wait']);
});
