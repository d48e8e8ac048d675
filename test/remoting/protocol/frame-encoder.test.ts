import { expect, test } from 'vitest';
import { FrameDecoder } from '../../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame, type FrameCommand } from '../../../core/remoting/protocol/frame-encoder.js';
import { type RemotingCommand, SerializeType } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';

const types = [SerializeType.JSON, SerializeType.ROCKETMQ];

function read(...frames: Buffer[]): RemotingCommand[] {
  const commands: RemotingCommand[] = [];
  const decoder = new FrameDecoder({ onCommand: (command) => commands.push(command) });
  for (const frame of frames) decoder.push(frame);
  return commands;
}

test('we say version 407 and language OTHER unless told otherwise', () => {
  for (const type of types) {
    expect(read(encodeFrame({ code: 34, opaque: 1, flag: 0 }, type, 0))[0]).toMatchObject({
      version: 407,
      language: 7,
    });
  }
});

test('codes of the pop family are written as JSON, since a binary header would cut them', () => {
  const command: FrameCommand = { code: RequestCode.POP_MESSAGE, opaque: 1, flag: 0, ext: { topic: 'T' } };
  expect(read(encodeFrame(command, SerializeType.ROCKETMQ, 0))[0]).toMatchObject({
    code: 200050,
    serializeType: SerializeType.JSON,
    ext: { topic: 'T' },
  });
});

test('an empty ext is an empty object in JSON: Java reads some responses’ fields without asking', () => {
  expect(encodeFrame({ code: 0, opaque: 1, flag: 1, ext: {} }, SerializeType.JSON, 0).toString()).toContain(
    '"extFields":{}',
  );
  expect(encodeFrame({ code: 0, opaque: 1, flag: 1 }, SerializeType.JSON, 0).toString()).not.toContain('extFields');
});

test('fields that are undefined or have no name are left out, empty values are kept', () => {
  const ext = { a: undefined, '': 'x', b: '', c: 0, d: false, e: 2n ** 63n - 1n };
  for (const type of types) {
    const [command] = read(encodeFrame({ code: 1, opaque: 1, flag: 0, ext }, type, 0));
    expect({ ...command!.ext }).toEqual({ b: '', c: '0', d: 'false', e: '9223372036854775807' });
  }
});

test('a frame stays as it is while others are written after it, also across the writer’s chunks', () => {
  const frames: Buffer[] = [];
  const copies: string[] = [];
  for (let index = 0; index < 1500; index++) {
    const ext = {
      index,
      filler: 'x'.repeat((index * 37) % 600),
      huge: index % 500 === 0 ? '漢'.repeat(60_000) : undefined,
    };
    const frame = encodeFrame({ code: 1, opaque: index, flag: 0, ext }, types[index % 2]!, 0);
    frames.push(frame);
    copies.push(frame.toString('hex'));
  }
  expect(frames.map((frame) => frame.toString('hex'))).toEqual(copies);
  const commands = read(...frames);
  expect(commands.map(({ ext }) => Number(ext.index))).toEqual(frames.map((_, index) => index));
  expect(commands[500]!.ext.huge).toBe('漢'.repeat(60_000));
});

test('a header that its length field cannot say is refused, and the next frame is not touched by it', () => {
  const ext = { a: 'x'.repeat(17 * 1024 * 1024) };
  const longName = { ['n'.repeat(40_000)]: 'v' };
  for (const type of types) {
    expect(() => encodeFrame({ code: 1, opaque: 1, flag: 0, ext }, type, 0)).toThrow(/cannot be written/);
    expect(read(encodeFrame({ code: 2, opaque: 3, flag: 0 }, type, 0))[0]).toMatchObject({ code: 2, opaque: 3 });
  }
  expect(() => encodeFrame({ code: 1, opaque: 1, flag: 0, ext: longName }, SerializeType.ROCKETMQ, 0)).toThrow(/name/);
  expect(() => encodeFrame({ code: 1, opaque: 1, flag: 0 }, SerializeType.JSON, 0x7fffffff)).toThrow(
    /cannot be written/,
  );
});
