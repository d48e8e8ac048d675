import { rocketMQError } from '../../errors/rocketmq-error.js';
import { readInt16, readInt32 } from '../../runtime/big-endian.js';
import { checkBinaryFields, readBinaryFields } from './binary-fields.js';
import { parseJsonHeader, readJsonFields } from './json-header.js';
import { knownLanguageCode, languageCodeOf } from './language-codes.js';
import { type FieldLocator, type RemotingCommand, SerializeType } from './remoting-command.js';

const PREFIX_BYTES = 8;
const BINARY_HEADER_BYTES_MIN = 21;
const EMPTY = Buffer.alloc(0);

type Fields = Readonly<Record<string, string>>;

/** A command read from the wire whose header fields are decoded when somebody asks for them. */
class ReceivedCommand implements RemotingCommand {
  readonly code: number;
  readonly language: number;
  readonly version: number;
  readonly opaque: number;
  readonly flag: number;
  readonly remark: string | undefined;
  readonly body: Buffer;
  readonly serializeType: SerializeType;
  #fields: Fields | undefined;
  /** The value of `extFields` in a JSON header. */
  readonly #extFields: unknown;
  readonly #bytes: Buffer;
  /** Where the fields of a binary header lie in `#bytes`, or the whole of a JSON header. */
  readonly #start: number;
  readonly #end: number;

  constructor(
    code: number,
    language: number,
    version: number,
    opaque: number,
    flag: number,
    remark: string | undefined,
    body: Buffer,
    serializeType: SerializeType,
    extFields: unknown,
    bytes: Buffer,
    start: number,
    end: number,
  ) {
    this.code = code;
    this.language = language;
    this.version = version;
    this.opaque = opaque;
    this.flag = flag;
    this.remark = remark;
    this.body = body;
    this.serializeType = serializeType;
    this.#extFields = extFields;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get ext(): Fields {
    let fields = this.#fields;
    if (fields === undefined) {
      fields =
        this.serializeType === SerializeType.ROCKETMQ
          ? readBinaryFields(this.#bytes, this.#start, this.#end)
          : readJsonFields(this.#extFields, () => this.#bytes.toString('utf8', this.#start, this.#end));
      this.#fields = fields;
    }
    return fields;
  }

  /** Of the class and not of the object: a copy with other fields must not carry it. */
  locateFields(locator: FieldLocator): boolean {
    if (this.serializeType !== SerializeType.ROCKETMQ) return false;
    locator.locate(this.#bytes, this.#start, this.#end);
    return true;
  }
}

/**
 * Refuses what the fifth to eighth byte of a frame cannot be: `word` is the serialize type and the header's length,
 * `length` the frame's length field.
 * @throws RMQ_FRAME_INVALID
 */
export function checkHeaderWord(word: number, length: number): void {
  const type = word >>> 24;
  if (type !== SerializeType.JSON && type !== SerializeType.ROCKETMQ) {
    throw rocketMQError('RMQ_FRAME_INVALID', `No remoting frame: serialize type ${type} is neither 0 nor 1`, {});
  }
  const headerLength = word & 0xffffff;
  if (headerLength > length - 4) {
    const message = `No remoting frame: a header of ${headerLength} bytes in a frame with ${length - 4} after its word`;
    throw rocketMQError('RMQ_FRAME_INVALID', message, {});
  }
  if (type === SerializeType.ROCKETMQ && headerLength < BINARY_HEADER_BYTES_MIN) {
    const message = `No remoting frame: a binary header of ${headerLength} bytes, at least ${BINARY_HEADER_BYTES_MIN} expected`;
    throw rocketMQError('RMQ_FRAME_INVALID', message, {});
  }
}

/**
 * Reads the frame of `size` bytes that begins at `position` with its length field, whose header word has been checked.
 * Body and header fields stay views into `bytes`.
 * @throws RMQ_FRAME_INVALID
 */
export function decodeFrame(bytes: Buffer, position: number, size: number): RemotingCommand {
  const word = readInt32(bytes, position + 4);
  const headerStart = position + PREFIX_BYTES;
  const headerEnd = headerStart + (word & 0xffffff);
  const end = position + size;
  const body = headerEnd === end ? EMPTY : bytes.subarray(headerEnd, end);
  return word >>> 24 === SerializeType.ROCKETMQ
    ? decodeBinary(bytes, headerStart, headerEnd, body)
    : decodeJson(bytes, headerStart, headerEnd, body);
}

function decodeBinary(bytes: Buffer, start: number, end: number, body: Buffer): RemotingCommand {
  const remarkLength = readInt32(bytes, start + 13);
  const remarkStart = start + 17;
  if (remarkLength < 0 || remarkLength > end - remarkStart - 4) {
    const message = `No remoting frame: a remark of ${remarkLength} bytes does not fit the header`;
    throw rocketMQError('RMQ_FRAME_INVALID', message, {});
  }
  const remarkEnd = remarkStart + remarkLength;
  const fieldsStart = remarkEnd + 4;
  const fieldsLength = readInt32(bytes, remarkEnd);
  if (fieldsLength < 0 || fieldsLength > end - fieldsStart) {
    const message = `No remoting frame: header fields of ${fieldsLength} bytes do not fit the header`;
    throw rocketMQError('RMQ_FRAME_INVALID', message, {});
  }
  const fieldsEnd = fieldsStart + fieldsLength;
  checkBinaryFields(bytes, fieldsStart, fieldsEnd);
  return new ReceivedCommand(
    readInt16(bytes, start),
    knownLanguageCode((bytes[start + 2]! << 24) >> 24),
    readInt16(bytes, start + 3),
    readInt32(bytes, start + 5),
    readInt32(bytes, start + 9),
    remarkLength === 0 ? undefined : bytes.toString('utf8', remarkStart, remarkEnd),
    body,
    SerializeType.ROCKETMQ,
    undefined,
    bytes,
    fieldsStart,
    fieldsEnd,
  );
}

function decodeJson(bytes: Buffer, start: number, end: number, body: Buffer): RemotingCommand {
  const header = parseJsonHeader(bytes.toString('utf8', start, end));
  return new ReceivedCommand(
    header.code,
    languageCodeOf(header.language),
    header.version,
    header.opaque,
    header.flag,
    header.remark,
    body,
    SerializeType.JSON,
    header.extFields,
    bytes,
    start,
    end,
  );
}
