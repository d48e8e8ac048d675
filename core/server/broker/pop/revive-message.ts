import { withoutProperties, withPropertiesIfRoom } from '../../../message/edited-properties.js';
import { formatOffsetMsgId } from '../../../message/message-ids.js';
import type { StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { deadLetterTopicOf, popRetryTopicOf, RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import type { StoreMessage } from '../message-store.js';
import { republish } from '../send/republish.js';
import type { Checkpoint } from './checkpoint.js';
import { originalTopicOf } from './pop-receipt.js';

/**
 * A message that nobody acknowledged in time, for its next try, or for the group's dead letters when it was tried often
 * enough. Matches reviveRetry of Apache's PopReviveService; there it is the consumer, if anybody, that gives a message up.
 */
export function revivedMessage(
  record: StoredRecord,
  { topic, group, popTime }: Checkpoint,
  retryMaxTimes: number,
): StoreMessage {
  const { reconsumeTimes } = record;
  const stored = record.properties.toString();
  const isFirst = reconsumeTimes === 0 || findProperty(stored, PropertyName.FIRST_POP_TIME) === undefined;
  const properties = isFirst ? noted(stored, { [PropertyName.FIRST_POP_TIME]: popTime }) : stored;
  if (reconsumeTimes >= retryMaxTimes) return deadLetter(record, properties, originalTopicOf(topic, group), group);
  const retryTopic = topic.startsWith(RETRY_TOPIC_PREFIX) ? topic : popRetryTopicOf(topic, group);
  return republish(record, {
    topic: retryTopic,
    queueId: 0,
    properties,
    reconsumeTimes: reconsumeTimes + 1,
    waitStored: true,
  });
}

/** As a consumer's send-back leaves them, so that tools find their way. */
function deadLetter(record: StoredRecord, text: string, topic: string, group: string): StoreMessage {
  const originId = formatOffsetMsgId(record.storeHost, record.physicalOffset);
  return republish(record, {
    topic: deadLetterTopicOf(group),
    queueId: 0,
    properties: noted(text, {
      [PropertyName.RETRY_TOPIC]: findProperty(text, PropertyName.RETRY_TOPIC) ?? topic,
      [PropertyName.ORIGIN_MESSAGE_ID]: findProperty(text, PropertyName.ORIGIN_MESSAGE_ID) ?? originId,
    }),
    reconsumeTimes: record.reconsumeTimes + 1,
    waitStored: true,
  });
}

/** Where there is no room for what is only good to know, the message comes again without it. */
function noted(text: string, facts: Readonly<Record<string, string | number>>): string {
  return withPropertiesIfRoom(withoutProperties(text, Object.keys(facts)), facts) ?? text;
}
