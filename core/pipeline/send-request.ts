import { exchangeOf } from '../message/exchange.js';
import type { OutgoingMessage, Properties } from '../message/message.js';
import { formatBatchProperties, formatMessageProperties } from '../message/message-properties.js';
import { messagesOf } from '../message/outgoing-batch.js';
import { PropertyName } from '../message/property-names.js';
import { SysFlag } from '../message/sys-flag.js';
import { reconsumeTimesOf } from '../message/system-properties.js';
import type { OutgoingCommand } from '../remoting/protocol/remoting-command.js';
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

/**
 * A SEND_MESSAGE_V2 request, SEND_BATCH_MESSAGE for a batch, or SEND_REPLY_MESSAGE_V2 for a reply. Header names are single
 * letters:
 *
 * ```
 * a producerGroup   b topic   c defaultTopic   d defaultTopicQueueNums   e queueId   f sysFlag   g bornTimestamp
 * h flag   i properties   j reconsumeTimes   k unitMode   l maxReconsumeTimes   m batch   n broker name
 * ```
 * Matches Apache's SendMessageRequestHeaderV2. The header object always has the same shape.
 */
export function sendRequest(header: SendHeader, message: OutgoingMessage, payload: Payload): OutgoingCommand {
  const { reconsumeTimes, maxReconsumeTimes } = reconsumeTimesOf(message, header.topic);
  const isBatch = messagesOf(message) !== undefined;
  return {
    code: isBatch ? RequestCode.SEND_BATCH_MESSAGE : codeOf(message),
    ext: {
      a: header.group,
      b: header.topic,
      c: header.createTopicKey,
      d: header.defaultTopicQueueNums,
      e: header.queueId,
      f: payload.sysFlag | transactionBits(message),
      g: header.bornTimestamp,
      h: message.flag ?? 0,
      i: isBatch
        ? formatBatchProperties(message.waitStored !== false)
        : formatMessageProperties(message, header.msgId, header.system),
      j: reconsumeTimes,
      k: header.unitMode,
      l: maxReconsumeTimes,
      m: isBatch,
      n: header.brokerName,
    },
    body: payload.body,
  };
}

function codeOf(message: OutgoingMessage): number {
  return exchangeOf(message) === 'reply' ? RequestCode.SEND_REPLY_MESSAGE_V2 : RequestCode.SEND_MESSAGE_V2;
}

function transactionBits({ systemProperties }: OutgoingMessage): number {
  return systemProperties?.[PropertyName.TRAN_MSG] === 'true' ? SysFlag.TRANSACTION_PREPARED : 0;
}
