import { expect, test } from 'vitest';
import {
  optionalInt32,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../core/remoting/protocol/ext-fields.js';
import { FieldReader } from '../../../core/remoting/protocol/field-reader.js';
import { FrameDecoder } from '../../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame } from '../../../core/remoting/protocol/frame-encoder.js';
import { type RemotingCommand, SerializeType } from '../../../core/remoting/protocol/remoting-command.js';

const NAMES = ['a', 'queueId', 'queueOffset', 'tüte', '__proto__', 'x'.repeat(300), 'missing'];
const reader = new FieldReader(NAMES);

function received(ext: Record<string, string>, type: SerializeType): RemotingCommand {
  const commands: RemotingCommand[] = [];
  const decoder = new FrameDecoder({ onCommand: (command) => commands.push(command) });
  decoder.push(encodeFrame({ code: 10, opaque: 1, flag: 0, ext }, type, 0));
  return commands[0]!;
}

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return { code: (error as { code: string }).code, message: (error as Error).message };
  }
}

const VALUES = ['', '0', '-0', '7', '+7', '007', '-12', '999999999', '-999999999', '2147483647', '2147483648'];
VALUES.push('-2147483648', '1', '-', '+', '1.0', '1e3', ' 1', '٣', 'true', 'ü', '999999999999999', '9007199254740991');
VALUES.push('9223372036854775807', '9223372036854775808', '-9223372036854775808', '9'.repeat(40), 'x'.repeat(100));

test.each([
  ['binary', SerializeType.ROCKETMQ],
  ['JSON', SerializeType.JSON],
])('a field of a %s header reads as it does from the record of all fields', (_, type) => {
  for (const value of VALUES) {
    for (const [field, name] of NAMES.entries()) {
      const ext = Object.fromEntries(NAMES.slice(0, -1).map((each) => [each, each === name ? value : 'other']));
      const command = received({ before: 'me', ...ext, behind: 'me' }, type);
      const open = reader.open(command);
      expect(open.has(field)).toBe(command.ext[name] !== undefined);
      expect(open.text(field)).toBe(command.ext[name]);
      expect(outcome(() => open.requiredText(field))).toEqual(outcome(() => requiredString(command, name)));
      expect(open.optionalText(field)).toBe(optionalString(command, name));
      expect(outcome(() => open.requiredInt32(field))).toEqual(outcome(() => requiredInt32(command, name)));
      expect(outcome(() => open.optionalInt32(field))).toEqual(outcome(() => optionalInt32(command, name)));
      expect(outcome(() => open.requiredInt64(field))).toEqual(outcome(() => requiredInt64(command, name)));
    }
  }
});

test('of a name that comes twice the last value stays, as in the record of all fields', () => {
  const frame = encodeFrame({ code: 10, opaque: 1, flag: 0, ext: { a: '1', b: '2' } }, SerializeType.ROCKETMQ, 0);
  frame[frame.lastIndexOf('b')] = 'a'.charCodeAt(0);
  const commands: RemotingCommand[] = [];
  new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(frame);
  expect(commands[0]!.ext.a).toBe('2');
  expect(reader.open(commands[0]!).requiredInt32(0)).toBe(2);
});

test('a copy of a command with other fields reads as those', () => {
  const command = received({ a: '1' }, SerializeType.ROCKETMQ);
  expect(reader.open({ ...command, ext: { a: '3' } }).requiredInt32(0)).toBe(3);
});
