import { expect, test } from 'vitest';
import { FrameDecoder } from '../../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame } from '../../../core/remoting/protocol/frame-encoder.js';
import { type RemotingCommand, SerializeType } from '../../../core/remoting/protocol/remoting-command.js';
import { type GoldenFrame, goldenFrames } from '../../kit/golden.js';

const frames = goldenFrames();

function decode(bytes: Buffer): RemotingCommand {
  const commands: RemotingCommand[] = [];
  new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(bytes);
  expect(commands).toHaveLength(1);
  return commands[0]!;
}

function encode(command: RemotingCommand): Buffer {
  const header = encodeFrame(command, command.serializeType, command.body.length);
  return Buffer.concat([header, command.body]);
}

const meaning = (command: RemotingCommand) => ({
  code: command.code,
  language: command.language,
  version: command.version,
  opaque: command.opaque,
  flag: command.flag,
  remark: command.remark,
  ext: { ...command.ext },
  body: command.body.toString('hex'),
  serializeType: command.serializeType,
});

test('all 2,025 recorded frames read and write back to the same meaning', () => {
  expect(frames).toHaveLength(2025);
  for (const frame of frames) {
    const command = decode(frame.bytes);
    expect(meaning(decode(encode(command)))).toEqual(meaning(command));
  }
});

test('every recorded binary frame writes back to the same bytes', () => {
  const binary = frames.filter((frame) => frame.bytes[4] === SerializeType.ROCKETMQ);
  expect(binary.length).toBeGreaterThan(100);
  for (const frame of binary) expect(encode(decode(frame.bytes)).toString('hex')).toBe(frame.bytes.toString('hex'));
});

test('what is read of a JSON header is what its JSON says', () => {
  const json = frames.filter((frame) => frame.bytes[4] === SerializeType.JSON);
  expect(json.length).toBeGreaterThan(1000);
  for (const { bytes } of json) {
    const headerLength = bytes.readUIntBE(5, 3);
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
    const command = decode(bytes);
    const { code, version, opaque, flag, remark } = command;
    const written = { code: header.code, version: header.version, opaque: header.opaque, flag: header.flag };
    expect({ code, version, opaque, flag }).toEqual(written);
    expect(remark).toBe(header.remark);
    expect({ ...command.ext }).toEqual(header.extFields ?? {});
    expect(command.body).toEqual(bytes.subarray(8 + headerLength));
  }
});

test('a binary frame and a JSON frame of the same command have the same meaning', () => {
  for (const { bytes } of frames) {
    const command = decode(bytes);
    const other = command.serializeType === SerializeType.JSON ? SerializeType.ROCKETMQ : SerializeType.JSON;
    const header = encodeFrame(command, other, command.body.length);
    const read = decode(Buffer.concat([header, command.body]));
    const { serializeType, ...expected } = meaning(command);
    expect(meaning(read)).toMatchObject({ ...expected, remark: expected.remark || undefined });
    // Codes of the pop family do not fit a binary header and stay JSON.
    expect(read.serializeType).toBe(command.code > 0x7fff ? serializeType : other);
  }
});

test('each recorded conversation reads as one stream, however it is cut', () => {
  const byConnection = new Map<string, GoldenFrame[]>();
  for (const frame of frames) {
    const key = `${frame.recording} ${frame.link} ${frame.conn} ${frame.from}`;
    byConnection.set(key, [...(byConnection.get(key) ?? []), frame]);
  }
  for (const conversation of byConnection.values()) {
    const stream = Buffer.concat(conversation.map((frame) => frame.bytes));
    const expected = conversation.map((frame) => meaning(decode(frame.bytes)));
    for (const size of [1, 7, 1460, stream.length]) {
      if (size === 1 && stream.length > 100_000) continue;
      const read: unknown[] = [];
      const decoder = new FrameDecoder({ onCommand: (command) => read.push(meaning(command)) });
      for (let at = 0; at < stream.length; at += size) decoder.push(stream.subarray(at, at + size));
      expect(read).toEqual(expected);
      expect(decoder.bufferedBytes).toBe(0);
    }
  }
});
