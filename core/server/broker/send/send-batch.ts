import { type BatchItem, decodeBatchBody } from '../../../message/batch-body.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { StoreMessage } from '../message-store.js';
import type { SendRequest } from './send-fields.js';
import { readSendProperties, type SendProperties } from './send-properties.js';

const ENTRY_END = 2;
const NAME_END = '\u0001';
const UNIQ_KEY = `${PropertyName.UNIQ_KEY}${NAME_END}`;
const TAGS = `${PropertyName.TAGS}${NAME_END}`;
const DELAY_PROPERTY = `${PropertyName.DELAY}${NAME_END}`;
const TRANSACTION_PROPERTY = `${PropertyName.TRAN_MSG}${NAME_END}`;
const TIMER_PREFIX = 'TIMER_DEL';
const TIMER_PROPERTIES = [PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS, PropertyName.TIMER_DELIVER_MS];

/**
 * What is added to each of very many messages must not make gigabytes of a small request: so many times the longest batch is
 * far more than a batch of the shortest messages becomes.
 */
const PROPERTIES_GROWTH_MAX = 16;

/** What all messages of a batch have in common. */
export type BatchCommon = Pick<
  StoreMessage,
  'topic' | 'queueId' | 'sysFlag' | 'bornTimestamp' | 'bornHost' | 'storeHost' | 'reconsumeTimes'
>;

/** Why a batch is refused: in these words, or in those for a message that the store finds illegal. */
export type BatchRefusal = { readonly remark: string } | 'illegal';

/** Whether a batch may be sent to the topic. Matches sendBatchMessage of Apache's SendMessageProcessor (4.9.7). */
export function refuseBatchTopic(topic: string): BatchRefusal | undefined {
  if (!topic.startsWith(RETRY_TOPIC_PREFIX)) return undefined;
  return { remark: `batch request does not support retry group ${topic}` };
}

/**
 * The messages of a batch as they are stored: to the properties of each are added those of the request's header and
 * `CLUSTER`, as 4.9.7 does, but for `UNIQ_KEY`, so that a name may come twice; the last counts. Delays and transactions are refused: Apache
 * looks for them in the header only, and would deliver such a message at once.
 */
export function readBatch(
  send: SendRequest,
  body: Buffer,
  common: BatchCommon,
  { clusterName, maxMessageSize }: { readonly clusterName: string; readonly maxMessageSize: number },
): StoreMessage[] | BatchRefusal {
  const header = readSendProperties(send.properties, clusterName);
  if (transactionType(send.sysFlag) !== SysFlag.TRANSACTION_NOT || isDelay(header.delay)) return 'illegal';
  if (header.transactional) return TRANSACTION;
  if (header.timed) return DELAY;
  if (body.length === 0 || body.length > maxMessageSize) return 'illegal';
  const added = Buffer.from(addedProperties(send.properties, header));
  const items = decodeBatchBody(body);
  const joined = joinProperties(items, added, maxMessageSize * PROPERTIES_GROWTH_MAX);
  if (joined === undefined) return 'illegal';
  const messages: StoreMessage[] = [];
  for (let index = 0; index < items.length; index++) {
    const item = items[index]!;
    const text = item.properties.toString('latin1');
    const refusal = refuseItem(text);
    if (refusal !== undefined) return refusal;
    const tag = header.tag ?? (text.includes(TAGS) ? tagOf(item.properties) : undefined);
    messages.push({
      topic: common.topic,
      queueId: common.queueId,
      flag: item.flag,
      sysFlag: common.sysFlag,
      bornTimestamp: common.bornTimestamp,
      bornHost: common.bornHost,
      storeHost: common.storeHost,
      reconsumeTimes: common.reconsumeTimes,
      preparedTransactionOffset: 0,
      body: item.body,
      properties: joined[index]!,
      tagsCode: tagsCodeOf(tag),
      waitStored: header.waitStored,
    });
  }
  return messages;
}

const DELAY: BatchRefusal = { remark: 'delayed and timed messages are not supported in a batch' };
const TRANSACTION: BatchRefusal = { remark: 'transactions are not supported in a batch' };

/**
 * A plain message is stored without WAIT, a batch's with it. The key of the batch as a whole, which Java's 5.x producers send,
 * would take the place of each message's own.
 */
function addedProperties(headerText: string | undefined, { stored }: SendProperties): string {
  const wait = headerText === undefined ? undefined : findProperty(headerText, PropertyName.WAIT);
  const separator = String.fromCharCode(ENTRY_END);
  const entries = stored.split(separator).filter((entry) => !entry.startsWith(UNIQ_KEY));
  return [...entries, ...(wait === undefined ? [] : [`${PropertyName.WAIT}${NAME_END}${wait}`])].join(separator);
}

/**
 * The properties of each message with those of all behind them, one buffer for the whole batch; undefined when that would be
 * more than `sizeBytesMax`.
 */
function joinProperties(items: readonly BatchItem[], added: Buffer, sizeBytesMax: number): Buffer[] | undefined {
  let sizeBytes = 0;
  for (const { properties } of items) sizeBytes += properties.length + 1 + added.length;
  if (sizeBytes > sizeBytesMax) return undefined;
  const target = Buffer.allocUnsafe(sizeBytes);
  let end = 0;
  return items.map(({ properties }) => {
    const start = end;
    target.set(properties, start);
    end += properties.length;
    if (properties.length > 0 && properties[properties.length - 1] !== ENTRY_END) target[end++] = ENTRY_END;
    target.set(added, end);
    end += added.length;
    return target.subarray(start, end);
  });
}

/** Names are ASCII: what a text of bytes does not have in it is no property either. Nearly all messages end here. */
function refuseItem(bytes: string): BatchRefusal | undefined {
  if (bytes.includes(DELAY_PROPERTY) && isDelay(findProperty(bytes, PropertyName.DELAY))) return DELAY;
  if (bytes.includes(TIMER_PREFIX) && TIMER_PROPERTIES.some((name) => findProperty(bytes, name) !== undefined)) {
    return DELAY;
  }
  if (!bytes.includes(TRANSACTION_PROPERTY)) return undefined;
  return findProperty(bytes, PropertyName.TRAN_MSG)?.toLowerCase() === 'true' ? TRANSACTION : undefined;
}

function tagOf(properties: Buffer): string | undefined {
  return findProperty(properties.toString('utf8'), PropertyName.TAGS);
}

/** Java reads the level as an int; what is none cannot be a level either. */
function isDelay(level: string | undefined): boolean {
  return level !== undefined && !(Number(level) <= 0);
}
