import { expect, test } from 'vitest';
import { FrameDecoder } from '../../../core/remoting/protocol/frame-decoder.js';
import { encodeFrame, type FrameCommand } from '../../../core/remoting/protocol/frame-encoder.js';
import { LanguageCode } from '../../../core/remoting/protocol/language-codes.js';
import type { RemotingCommand, SerializeType } from '../../../core/remoting/protocol/remoting-command.js';

const JSON_TYPE: SerializeType = 0;
const BINARY: SerializeType = 1;

function decodeOne(frame: Buffer): RemotingCommand {
  const commands: RemotingCommand[] = [];
  new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(frame);
  expect(commands).toHaveLength(1);
  return commands[0]!;
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

/** Written by Apache's own encoder. */
const BINARY_REQUEST = hex(`0000002b 01000024 0069 00 0191 00000007 00000000 00000002 6869 0000000d
  0005 746f706963 00000002 5431 010203`);
const BINARY_RESPONSE = hex('00000019 01000015 0000 00 0000 00000007 00000001 00000000 00000000');
const JSON_REQUEST = Buffer.concat([
  hex('00000080 0000007c'),
  Buffer.from(
    '{"code":105,"extFields":{"topic":"T1"},"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":401}',
  ),
]);

const REQUEST: FrameCommand = {
  code: 105,
  language: LanguageCode.JAVA,
  version: 401,
  opaque: 7,
  flag: 0,
  ext: { topic: 'T1' },
};

test('a binary request is byte for byte what Apache writes', () => {
  const body = Buffer.from([1, 2, 3]);
  const frame = encodeFrame({ ...REQUEST, remark: 'hi', body }, BINARY, body.length);
  expect(Buffer.concat([frame, body])).toEqual(BINARY_REQUEST);
});

test('an empty binary response is byte for byte what Apache writes', () => {
  expect(encodeFrame({ code: 0, language: 0, version: 0, opaque: 7, flag: 1 }, BINARY, 0)).toEqual(BINARY_RESPONSE);
});

test('a JSON request is byte for byte what Apache writes', () => {
  expect(encodeFrame(REQUEST, JSON_TYPE, 0)).toEqual(JSON_REQUEST);
});

test('Apache’s frames read as what they were written from', () => {
  const request = decodeOne(BINARY_REQUEST);
  expect(request).toMatchObject({ code: 105, language: 0, version: 401, opaque: 7, flag: 0, remark: 'hi' });
  expect(request.ext).toEqual({ topic: 'T1' });
  expect(request.body).toEqual(Buffer.from([1, 2, 3]));
  const response = decodeOne(BINARY_RESPONSE);
  expect(response).toMatchObject({ code: 0, opaque: 7, flag: 1, remark: undefined });
  expect(response.ext).toEqual({});
  expect(response.body).toHaveLength(0);
  expect(decodeOne(JSON_REQUEST)).toMatchObject({ code: 105, version: 401, opaque: 7, ext: { topic: 'T1' } });
});
