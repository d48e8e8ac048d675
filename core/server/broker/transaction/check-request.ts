import { withoutProperties, withPropertiesIfRoom } from '../../../message/edited-properties.js';
import { encodeHost } from '../../../message/host.js';
import { formatOffsetMsgId } from '../../../message/message-ids.js';
import { type RecordFields, recordSize, writeRecord } from '../../../message/message-record.js';
import { PropertyName } from '../../../message/property-names.js';
import type { OutgoingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { copiedProperties, destinationOf, type HalfMessage } from './half-message.js';
import type { CopyPlace } from './half-messages.js';

/**
 * CHECK_TRANSACTION_STATE for a half message that lies at `place` now; undefined when it does not say where it goes. The
 * body is the message as a record, under the topic and queue that it is for. Matches Apache's
 * AbstractTransactionalMessageCheckListener.sendCheckMessage (4.9).
 */
export function checkRequest(
  half: HalfMessage,
  place: CopyPlace,
  checkTimes: number,
  storeHost: string,
): OutgoingCommand | undefined {
  const destination = destinationOf(half);
  if (destination === undefined) return undefined;
  const { record, properties } = half;
  const id = properties[PropertyName.UNIQ_KEY];
  const fields: RecordFields = {
    ...record,
    queueId: destination.queueId,
    queueOffset: place.offset,
    physicalOffset: place.commitLogOffset,
    bornHost: encodeHost(record.bornHost),
    storeHost: encodeHost(storeHost),
    topic: Buffer.from(destination.topic),
    properties: Buffer.from(askedProperties(copiedProperties(half, checkTimes))),
  };
  const body = Buffer.alloc(recordSize(fields));
  writeRecord(body, 0, fields);
  return {
    code: RequestCode.CHECK_TRANSACTION_STATE,
    ext: {
      tranStateTableOffset: place.offset,
      commitLogOffset: place.commitLogOffset,
      msgId: id,
      transactionId: id,
      offsetMsgId: formatOffsetMsgId(storeHost, place.commitLogOffset),
    },
    body,
  };
}

/** As 4.9 shows them, where there is room: nobody waits for the copy to be on the disk. */
function askedProperties(copied: string): string {
  const { WAIT } = PropertyName;
  return withPropertiesIfRoom(withoutProperties(copied, [WAIT]), { [WAIT]: 'false' }) ?? copied;
}
