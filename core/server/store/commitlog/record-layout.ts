import { isRocketMQError } from '../../../errors/rocketmq-error.js';
import { readInt64 } from '../../../message/int64.js';
import { bodyCrcOf, RecordMagic, readRecord, type StoredRecord } from '../../../message/message-record.js';
import { SysFlag } from '../../../message/sys-flag.js';

/** Total size and magic: what a filler has, and what has to stay free behind a record. */
export const FILLER_SIZE_BYTES = 8;
/** From the start of a record to the end of its store timestamp, with a born host of 20 bytes. */
export const STORE_TIMESTAMP_END_MAX = 76;

const SECTOR_SIZE_BYTES = 512;
const ZERO_SECTOR = Buffer.alloc(SECTOR_SIZE_BYTES);
const SYS_FLAG_AT = 36;
const BORN_HOST_AT = 48;
const HOST_SIZE_V4 = 8;
const HOST_SIZE_V6 = 20;

export function readTotalSize(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position);
}

export function readMagic(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position + 4);
}

export function isRecordMagic(magic: number): boolean {
  return magic === RecordMagic.V1 || magic === RecordMagic.V2;
}

/** The store timestamp alone, from the first {@link STORE_TIMESTAMP_END_MAX} bytes of a record. */
export function readStoreTimestamp(buffer: Buffer, position: number): number {
  const isBornHostV6 = (buffer.readInt32BE(position + SYS_FLAG_AT) & SysFlag.BORN_HOST_V6) !== 0;
  return readInt64(buffer, position + BORN_HOST_AT + (isBornHostV6 ? HOST_SIZE_V6 : HOST_SIZE_V4));
}

/**
 * Reads a record that was written whole at `commitLogOffset`; undefined when it was not: lengths that do not add up,
 * another position inside, a body that does not match its checksum, zeros where no record has any.
 */
export function readWholeRecord(buffer: Buffer, position: number, commitLogOffset: number): StoredRecord | undefined {
  let record: StoredRecord;
  try {
    record = readRecord(buffer, position);
  } catch (error) {
    if (isRocketMQError(error, 'RMQ_BODY_INVALID')) return undefined;
    throw error;
  }
  const isWhole =
    record.physicalOffset === commitLogOffset &&
    record.bodyCrc === bodyCrcOf(record.body) &&
    !record.topic.includes('\0') &&
    !hasMissingSector(record);
  return isWhole ? record : undefined;
}

/**
 * Whether the record ends in a zero. No checksum covers the properties, and a write that was cut short leaves zeros
 * there: as the last record of a log such a one is torn, in front of another it is just odd.
 */
export function endsInZero({ properties }: StoredRecord): boolean {
  return properties.length > 0 && properties[properties.length - 1] === 0;
}

/**
 * Whether a recovery would take a record with these properties for torn, and end the log in front of it: no store may take
 * such a message, since it would lose itself and all that came behind it.
 */
export function wouldLookTorn(properties: Uint8Array): boolean {
  if (properties[properties.length - 1] === 0) return true;
  return properties.length >= SECTOR_SIZE_BYTES && viewOf(properties).includes(ZERO_SECTOR);
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A power failure can drop one sector and keep the next: all of a sector inside the properties is zero then. */
function hasMissingSector({ properties, physicalOffset, totalSize }: StoredRecord): boolean {
  const propertiesOffset = physicalOffset + totalSize - properties.length;
  const rest = propertiesOffset % SECTOR_SIZE_BYTES;
  let at = rest === 0 ? 0 : SECTOR_SIZE_BYTES - rest;
  for (; at + SECTOR_SIZE_BYTES <= properties.length; at += SECTOR_SIZE_BYTES) {
    if (properties.subarray(at, at + SECTOR_SIZE_BYTES).equals(ZERO_SECTOR)) return true;
  }
  return false;
}
