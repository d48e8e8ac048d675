import { rocketMQError } from '../../errors/rocketmq-error.js';
import { int64Text } from '../../message/int64.js';
import type { FieldName, FieldWriter } from './field-writer.js';
import { type FramePlace, leave } from './frame-memory.js';
import { HeaderWriter } from './header-writer.js';
import { LanguageCode, languageName } from './language-codes.js';
import { type ExtInput, type OutgoingCommand, SerializeType } from './remoting-command.js';
import { OWN_VERSION } from './version.js';

/** A command with what the connection adds to it. */
export interface FrameCommand extends OutgoingCommand {
  /** Signed 32 bits. */
  readonly opaque: number;
  /** Bits of CommandFlag. */
  readonly flag: number;
  /** Default 407, which is 4.9.7. */
  readonly version?: number;
  /** A LanguageCode. Default OTHER. */
  readonly language?: number;
}

const HEADER_BYTES_MAX = 0xffffff;
const FRAME_LENGTH_MAX = 0x7fffffff;
const KEY_BYTES_MAX = 0x7fff;

const writer = new HeaderWriter();

/**
 * Writes length, header length and header of a frame; the body, `bodyLength` bytes, follows as a buffer of its own.
 *
 * ```
 * 0 i32 length            bytes after this field: 4 + header + body
 * 4 u8  serialize type    0 JSON, 1 ROCKETMQ
 * 5 u24 header length
 * 8     header
 * ```
 * A code that does not fit 16 bits (5.x's pop family) is written with a JSON header whatever `serializeType` says: the
 * binary header would cut it. Entries of `ext` without a value and with an empty name are left out. Matches Apache's
 * NettyEncoder and RemotingCommand.
 * @throws RMQ_FRAME_INVALID when the header is larger than its length field can say
 */
export function encodeFrame(command: FrameCommand, serializeType: SerializeType, bodyLength: number): Buffer {
  const { opaque, flag, version = OWN_VERSION, language = LanguageCode.OTHER } = command;
  const place: FramePlace = { memory: undefined, start: 0, end: 0 };
  encodeCommand(command, opaque, flag, version, language, serializeType, bodyLength, undefined, place);
  const frame = Buffer.from(place.memory!.bytes.subarray(place.start, place.end));
  leave(place);
  return frame;
}

/**
 * The same for the wire: into memory that frames share, and with what the connection adds apart from the command, so that
 * no object has to be made of both. `place` is told where the frame lies; a `body` that is given is part of it.
 */
export function encodeCommand(
  command: OutgoingCommand,
  opaque: number,
  flag: number,
  version: number,
  language: number,
  serializeType: SerializeType,
  bodyLength: number,
  body: Uint8Array | undefined,
  place: FramePlace,
): void {
  const binary = serializeType === SerializeType.ROCKETMQ && command.code === (command.code << 16) >> 16;
  writer.begin();
  writer.skip(8);
  try {
    if (binary) writeBinaryHeader(command, opaque, flag, version, language);
    else writeJsonHeader(command, opaque, flag, version, language);
    const headerLength = writer.length - 8;
    if (headerLength > HEADER_BYTES_MAX || 4 + headerLength + bodyLength > FRAME_LENGTH_MAX) {
      throw rocketMQError(
        'RMQ_FRAME_INVALID',
        `A frame of ${headerLength} + ${bodyLength} bytes cannot be written`,
        {},
      );
    }
    writer.patchInt32(0, 4 + headerLength + bodyLength);
    writer.patchInt32(4, (binary ? 1 << 24 : 0) | headerLength);
  } catch (error) {
    writer.abandon();
    throw error;
  }
  writer.end(place, body);
}

/**
 * ```
 * i16 code | i8 language | i16 version | i32 opaque | i32 flag | i32 length + remark | i32 length + fields
 * field: i16 length + name | i32 length + value
 * ```
 * Matches Apache's RocketMQSerializable.
 */
function writeBinaryHeader(
  command: OutgoingCommand,
  opaque: number,
  flag: number,
  version: number,
  language: number,
): void {
  const { remark } = command;
  writer.int16(command.code);
  writer.int8(language);
  writer.int16(version);
  writer.int32(opaque);
  writer.int32(flag);
  const remarkAt = writer.skip(4);
  if (remark !== undefined) writer.utf8(remark);
  writer.patchInt32(remarkAt, writer.length - remarkAt - 4);
  const extAt = writer.skip(4);
  if (command.writeFields !== undefined) command.writeFields(binaryFields);
  else if (command.ext !== undefined) writeBinaryFields(command.ext);
  writer.patchInt32(extAt, writer.length - extAt - 4);
}

const binaryFields: FieldWriter = {
  text(field, value) {
    writer.bytes(field.binary, 0);
    writer.sizedUtf8(value);
  },
  number(field, value) {
    writer.bytes(field.binary, 0);
    writer.sizedDecimal(value);
  },
  boolean(field, value) {
    writer.bytes(field.binary, 0);
    writer.sizedUtf8(value ? 'true' : 'false');
  },
};

function writeBinaryFields(ext: ExtInput): void {
  for (const name of Object.keys(ext)) {
    const value = ext[name];
    if (value === undefined || name.length === 0) continue;
    const nameAt = writer.skip(2);
    writer.utf8(name);
    const nameLength = writer.length - nameAt - 2;
    if (nameLength > KEY_BYTES_MAX) {
      throw rocketMQError('RMQ_FRAME_INVALID', `A header field's name of ${nameLength} bytes cannot be written`, {});
    }
    writer.patchInt16(nameAt, nameLength);
    if (typeof value === 'number' && Number.isSafeInteger(value)) writer.sizedDecimal(value);
    else writer.sizedUtf8(textOf(value));
  }
}

const JSON_CODE = '{"code":';
const JSON_FLAG = ',"flag":';
const JSON_LANGUAGE = ',"language":"';
const JSON_OPAQUE = '","opaque":';
const JSON_REMARK = ',"remark":';
const JSON_FIELDS = ',"extFields":{';
const JSON_TAIL = ',"serializeTypeCurrentRPC":"JSON","version":';

/** One JSON object; every header field of the command's own is a string, as Java writes it. */
function writeJsonHeader(
  command: OutgoingCommand,
  opaque: number,
  flag: number,
  version: number,
  language: number,
): void {
  const { remark } = command;
  writer.utf8(JSON_CODE);
  writer.decimal(command.code);
  if (command.writeFields !== undefined) {
    writer.utf8(JSON_FIELDS);
    isFirstField = true;
    command.writeFields(jsonFields);
    writer.int8(0x7d);
  } else if (command.ext !== undefined) writeJsonFields(command.ext);
  writer.utf8(JSON_FLAG);
  writer.decimal(flag);
  writer.utf8(JSON_LANGUAGE);
  writer.utf8(languageName(language));
  writer.utf8(JSON_OPAQUE);
  writer.decimal(opaque);
  if (remark !== undefined) {
    writer.utf8(JSON_REMARK);
    writer.jsonString(remark);
  }
  writer.utf8(JSON_TAIL);
  writer.decimal(version);
  writer.int8(0x7d);
}

let isFirstField = true;

const jsonFields: FieldWriter = {
  text(field, value) {
    jsonName(field);
    writer.jsonString(value);
  },
  number(field, value) {
    jsonName(field);
    jsonDecimal(value);
  },
  boolean(field, value) {
    jsonName(field);
    writer.jsonString(value ? 'true' : 'false');
  },
};

/** The first name goes without the comma in front of it. */
function jsonName(field: FieldName): void {
  writer.bytes(field.json, isFirstField ? 1 : 0);
  isFirstField = false;
}

function jsonDecimal(value: number): void {
  writer.int8(0x22);
  writer.decimal(value);
  writer.int8(0x22);
}

function writeJsonFields(ext: ExtInput): void {
  writer.utf8(JSON_FIELDS);
  let first = true;
  for (const name of Object.keys(ext)) {
    const value = ext[name];
    if (value === undefined || name.length === 0) continue;
    if (!first) writer.int8(0x2c);
    first = false;
    writer.jsonString(name);
    writer.int8(0x3a);
    if (typeof value === 'number' && Number.isSafeInteger(value)) jsonDecimal(value);
    else writer.jsonString(textOf(value));
  }
  writer.int8(0x7d);
}

function textOf(value: string | number | bigint | boolean): string {
  return typeof value === 'number' ? int64Text(value) : String(value);
}
