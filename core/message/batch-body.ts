import { rocketMQError } from '../errors/rocketmq-error.js';
import { PROPERTIES_BYTES_MAX } from './properties.js';

/** One message in the body of a batch; topic, queue and sysFlag stand in the request's header. */
export interface BatchItem {
  readonly flag: number;
  readonly body: Uint8Array;
  /** As `encodeProperties` gives it. */
  readonly properties: Uint8Array;
}

/** A message of a batch that was read; body and properties are views into the batch's body. */
export interface DecodedBatchItem extends BatchItem {
  readonly body: Buffer;
  readonly properties: Buffer;
}

const FIXED_BYTES = 22;

/** Bytes that a message takes in the body of a batch. */
export function batchItemSize({ body, properties }: BatchItem): number {
  return FIXED_BYTES + body.length + properties.length;
}

/**
 * The body of a send with `batch=true`: the messages one after another.
 *
 * ```
 * i32 totalSize | i32 magic 0 | i32 bodyCRC 0 | i32 flag | i32 length + body | i16 length + properties
 * ```
 * Matches Apache's MessageDecoder.encodeMessages.
 * @throws RMQ_MESSAGE_ILLEGAL for properties beyond 32,767 bytes
 */
export function encodeBatchBody(items: readonly BatchItem[]): Buffer {
  let size = 0;
  for (const item of items) size += batchItemSize(item);
  const target = Buffer.allocUnsafe(size);
  let position = 0;
  for (const { flag, body, properties } of items) {
    if (properties.length > PROPERTIES_BYTES_MAX) {
      const message = `The properties of a message in the batch are ${properties.length} bytes, at most ${PROPERTIES_BYTES_MAX} are allowed`;
      throw rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field: 'properties' });
    }
    target.writeInt32BE(batchItemSize({ flag, body, properties }), position);
    target.writeInt32BE(0, position + 4);
    target.writeInt32BE(0, position + 8);
    target.writeInt32BE(flag, position + 12);
    target.writeInt32BE(body.length, position + 16);
    target.set(body, position + 20);
    position += 20 + body.length;
    target.writeInt16BE(properties.length, position);
    target.set(properties, position + 2);
    position += 2 + properties.length;
  }
  return target;
}

/** @throws RMQ_BODY_INVALID when the lengths do not add up */
export function decodeBatchBody(body: Buffer): DecodedBatchItem[] {
  const items: DecodedBatchItem[] = [];
  for (let position = 0; position < body.length; ) {
    if (body.length - position < FIXED_BYTES) throw damaged(position, 'too few bytes');
    const size = body.readInt32BE(position);
    const end = position + size;
    if (size < FIXED_BYTES || end > body.length) throw damaged(position, `a size of ${size}`);
    const bodyLength = body.readInt32BE(position + 16);
    if (bodyLength < 0 || bodyLength > size - FIXED_BYTES) throw damaged(position, `a body of ${bodyLength} bytes`);
    const bodyAt = position + 20;
    const propertiesAt = bodyAt + bodyLength + 2;
    if (propertiesAt + body.readInt16BE(propertiesAt - 2) !== end)
      throw damaged(position, 'lengths that do not add up');
    items.push({
      flag: body.readInt32BE(position + 12),
      body: body.subarray(bodyAt, bodyAt + bodyLength),
      properties: body.subarray(propertiesAt, end),
    });
    position = end;
  }
  return items;
}

function damaged(position: number, what: string) {
  return rocketMQError('RMQ_BODY_INVALID', `No message of a batch at byte ${position}: ${what}`, {});
}
