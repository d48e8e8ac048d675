import { exchangeOf } from '../message/exchange.js';
import type { OutgoingMessage, Properties } from '../message/message.js';
import { formatBatchProperties, formatMessageProperties } from '../message/message-properties.js';
import { messagesOf } from '../message/outgoing-batch.js';
import { PropertyName } from '../message/property-names.js';
import { SysFlag } from '../message/sys-flag.js';
import { type ReconsumeTimes, reconsumeTimesOf } from '../message/system-properties.js';
import { type FieldWriter, fieldNames, recordFields } from '../remoting/protocol/field-writer.js';
import type { ExtInput, OutgoingCommand } from '../remoting/protocol/remoting-command.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { Payload } from './context.js';

/** Everything of a send request that is not the message's; names are names on the wire. */
export interface SendHeader {
  readonly group: string;
  readonly topic: string;
  readonly createTopicKey: string;
  readonly defaultTopicQueueNums: number;
  readonly brokerName: string;
  readonly queueId: number;
  /** Milliseconds since 1970. */
  readonly bornTimestamp: number;
  readonly unitMode: boolean;
  readonly msgId: string;
  /** Properties that sending adds (a delay, a namespace). */
  readonly system: Properties | undefined;
}

const Field = fieldNames({
  producerGroup: 'a',
  topic: 'b',
  defaultTopic: 'c',
  defaultTopicQueueNums: 'd',
  queueId: 'e',
  sysFlag: 'f',
  bornTimestamp: 'g',
  flag: 'h',
  properties: 'i',
  reconsumeTimes: 'j',
  unitMode: 'k',
  maxReconsumeTimes: 'l',
  batch: 'm',
  brokerName: 'n',
});

/**
 * A SEND_MESSAGE_V2 request, SEND_BATCH_MESSAGE for a batch, or SEND_REPLY_MESSAGE_V2 for a reply. Header names are single
 * letters. Matches Apache's SendMessageRequestHeaderV2.
 */
class SendCommand implements OutgoingCommand {
  readonly code: number;
  readonly body: Uint8Array;
  readonly #header: SendHeader;
  readonly #sysFlag: number;
  readonly #flag: number;
  readonly #properties: string;
  readonly #times: ReconsumeTimes;

  constructor(
    code: number,
    body: Uint8Array,
    header: SendHeader,
    sysFlag: number,
    flag: number,
    properties: string,
    times: ReconsumeTimes,
  ) {
    this.code = code;
    this.body = body;
    this.#header = header;
    this.#sysFlag = sysFlag;
    this.#flag = flag;
    this.#properties = properties;
    this.#times = times;
  }

  get ext(): ExtInput {
    return recordFields(this);
  }

  writeFields(writer: FieldWriter): void {
    const header = this.#header;
    const { reconsumeTimes, maxReconsumeTimes } = this.#times;
    writer.text(Field.producerGroup, header.group);
    writer.text(Field.topic, header.topic);
    writer.text(Field.defaultTopic, header.createTopicKey);
    writer.number(Field.defaultTopicQueueNums, header.defaultTopicQueueNums);
    writer.number(Field.queueId, header.queueId);
    writer.number(Field.sysFlag, this.#sysFlag);
    writer.number(Field.bornTimestamp, header.bornTimestamp);
    writer.number(Field.flag, this.#flag);
    writer.text(Field.properties, this.#properties);
    writer.number(Field.reconsumeTimes, reconsumeTimes);
    writer.boolean(Field.unitMode, header.unitMode);
    if (maxReconsumeTimes !== undefined) writer.number(Field.maxReconsumeTimes, maxReconsumeTimes);
    writer.boolean(Field.batch, this.code === RequestCode.SEND_BATCH_MESSAGE);
    writer.text(Field.brokerName, header.brokerName);
  }
}

/**
 * The request that sends a message, a batch of them, or a reply.
 * @throws RMQ_MESSAGE_ILLEGAL when the properties are too long
 */
export function sendRequest(header: SendHeader, message: OutgoingMessage, payload: Payload): OutgoingCommand {
  const isBatch = messagesOf(message) !== undefined;
  return new SendCommand(
    isBatch ? RequestCode.SEND_BATCH_MESSAGE : codeOf(message),
    payload.body,
    header,
    payload.sysFlag | transactionBits(message),
    message.flag ?? 0,
    isBatch
      ? formatBatchProperties(message.waitStored !== false)
      : formatMessageProperties(message, header.msgId, header.system),
    reconsumeTimesOf(message, header.topic),
  );
}

function codeOf(message: OutgoingMessage): number {
  return exchangeOf(message) === 'reply' ? RequestCode.SEND_REPLY_MESSAGE_V2 : RequestCode.SEND_MESSAGE_V2;
}

function transactionBits({ systemProperties }: OutgoingMessage): number {
  return systemProperties?.[PropertyName.TRAN_MSG] === 'true' ? SysFlag.TRANSACTION_PREPARED : 0;
}
