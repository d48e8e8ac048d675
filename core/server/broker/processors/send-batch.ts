import { decodeBatchBody } from '../../../message/batch-body.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag, transactionType } from '../../../message/sys-flag.js';
import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { tagsCodeOf } from '../../../message/tag-hash.js';
import type { StoreMessage } from '../message-store.js';
import { readSendProperties, type SendProperties } from '../send-properties.js';
import type { SendRequest } from './send-fields.js';

const ENTRY_END = 2;
const SEPARATOR = Buffer.of(ENTRY_END);
const NAME_END = '\u0001';
const TIMER_PROPERTIES = [PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS, PropertyName.TIMER_DELIVER_MS];

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
 * `CLUSTER`, as 4.9.7 does, so that a name may come twice; the last counts. Delays and transactions are refused: Apache
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
  const messages: StoreMessage[] = [];
  for (const item of decodeBatchBody(body)) {
    const text = item.properties.toString('utf8');
    const refusal = refuseItem(text);
    if (refusal !== undefined) return refusal;
    messages.push({
      ...common,
      flag: item.flag,
      preparedTransactionOffset: 0,
      body: item.body,
      properties: joinProperties(item.properties, added),
      tagsCode: tagsCodeOf(header.tag ?? findProperty(text, PropertyName.TAGS)),
      waitStored: header.waitStored,
    });
  }
  return messages;
}

const DELAY: BatchRefusal = { remark: 'delayed and timed messages are not supported in a batch' };
const TRANSACTION: BatchRefusal = { remark: 'transactions are not supported in a batch' };

/** A plain message is stored without WAIT, a batch's with it. */
function addedProperties(headerText: string | undefined, { stored }: SendProperties): string {
  const wait = headerText === undefined ? undefined : findProperty(headerText, PropertyName.WAIT);
  return wait === undefined
    ? stored
    : `${stored}${String.fromCharCode(ENTRY_END)}${PropertyName.WAIT}${NAME_END}${wait}`;
}

function joinProperties(own: Buffer, added: Buffer): Buffer {
  if (own.length === 0) return added;
  return own[own.length - 1] === ENTRY_END ? Buffer.concat([own, added]) : Buffer.concat([own, SEPARATOR, added]);
}

function refuseItem(properties: string): BatchRefusal | undefined {
  if (isDelay(findProperty(properties, PropertyName.DELAY))) return DELAY;
  for (const name of TIMER_PROPERTIES) if (findProperty(properties, name) !== undefined) return DELAY;
  const transaction = findProperty(properties, PropertyName.TRAN_MSG);
  return transaction?.toLowerCase() === 'true' ? TRANSACTION : undefined;
}

/** Java reads the level as an int; what is none cannot be a level either. */
function isDelay(level: string | undefined): boolean {
  return level !== undefined && !(Number(level) <= 0);
}
