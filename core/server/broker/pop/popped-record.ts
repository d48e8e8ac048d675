import { withPropertiesIfRoom } from '../../../message/edited-properties.js';
import { RecordMagic, readRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { formatReceipt, type PopReceipt } from './pop-receipt.js';

/**
 * A record of a retry topic as a consumer gets it: with the topic it was sent to, and with its receipt, since the topic does
 * not tell any more which queue it was popped from. Only the end of the record changes. Matches what
 * PopMessageProcessor does unless popResponseReturnActualRetryTopic, and as it does then where there is no room for a receipt.
 */
export function asOriginal(bytes: Buffer, topic: string, receipt: PopReceipt): Buffer {
  const record = readRecord(bytes, 0);
  const text = record.properties.toString();
  const withReceipt =
    findProperty(text, PropertyName.POP_CK) === undefined
      ? withPropertiesIfRoom(text, { [PropertyName.POP_CK]: formatReceipt(receipt, record.queueOffset) })
      : text;
  if (withReceipt === undefined) return bytes;
  const properties = Buffer.from(withReceipt);
  const name = Buffer.from(topic);
  const bodyEnd = record.body.byteOffset - bytes.byteOffset + record.body.length;
  const tail = Buffer.alloc(1 + name.length + 2);
  tail.writeInt8(name.length, 0);
  name.copy(tail, 1);
  tail.writeInt16BE(properties.length, 1 + name.length);
  const whole = Buffer.concat([bytes.subarray(0, bodyEnd), tail, properties]);
  whole.writeInt32BE(whole.length, 0);
  whole.writeInt32BE(RecordMagic.V1, 4);
  return whole;
}
