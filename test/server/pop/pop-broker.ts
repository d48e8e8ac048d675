import { readRecords, type StoredRecord } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import { type BatchAckRequest, encodeBatchAckRequest } from '../../../core/remoting/protocol/batch-ack.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { OutgoingResponse } from '../../../core/remoting/remoting-server.js';
import { DelayBroker, type DelayBrokerParts, TOPIC } from '../delay/delay-broker.js';

export const GROUP = 'billing';
export const INVISIBLE_MS = 60_000;

/** A message as a consumer holds it: with what it is acknowledged by. */
export interface PoppedMessage {
  readonly id: string;
  /** The topic to name in requests about it. */
  readonly topic: string;
  readonly queueId: number;
  readonly offset: number;
  readonly receipt: string;
  readonly reconsumeTimes: number;
  readonly properties: Readonly<Record<string, string | undefined>>;
}

export interface PopAnswer {
  readonly code: number;
  readonly remark: string | undefined;
  readonly ext: Readonly<Record<string, unknown>>;
  readonly messages: readonly PoppedMessage[];
}

export type PopExt = Readonly<Record<string, string | number | boolean>>;

/** A broker without a port and the requests of a pop consumer. */
export class PopBroker {
  readonly broker: DelayBroker;

  static async open(parts: DelayBrokerParts = {}): Promise<PopBroker> {
    return new PopBroker(await DelayBroker.open(parts));
  }

  private constructor(broker: DelayBroker) {
    this.broker = broker;
  }

  get clock(): DelayBroker['clock'] {
    return this.broker.clock;
  }

  close(): Promise<void> {
    return this.broker.close();
  }

  forget(): Promise<void> {
    return this.broker.forget();
  }

  /** Sends messages whose bodies are their ids, to a queue. */
  async send(ids: readonly string[], { queueId = 1, tag = 'paid' } = {}): Promise<void> {
    for (const id of ids) await this.broker.send(id, { TAGS: tag }, queueId);
  }

  popRequest(more: PopExt = {}): PopExt {
    return {
      consumerGroup: GROUP,
      topic: TOPIC,
      queueId: -1,
      maxMsgNums: 32,
      invisibleTime: INVISIBLE_MS,
      pollTime: 0,
      bornTime: this.clock.now(),
      initMode: 0,
      expType: 'TAG',
      exp: '*',
      ...more,
    };
  }

  /** Pops without waiting for messages, unless told to by `pollTime`. */
  async pop(more: PopExt = {}): Promise<PopAnswer> {
    const asked = this.popRequest(more);
    return readPopAnswer(await this.broker.ask(RequestCode.POP_MESSAGE, asked), String(asked.consumerGroup));
  }

  /** Ids of what a pop hands out. */
  async ids(more: PopExt = {}): Promise<string[]> {
    return (await this.pop(more)).messages.map(({ id }) => id);
  }

  ack({ topic, queueId, offset, receipt }: PoppedMessage, more: PopExt = {}): Promise<OutgoingResponse> {
    const ext = { consumerGroup: GROUP, topic, queueId, offset, extraInfo: receipt, ...more };
    return this.broker.ask(RequestCode.ACK_MESSAGE, ext);
  }

  ackBatch(request: BatchAckRequest): Promise<OutgoingResponse> {
    return this.broker.ask(RequestCode.BATCH_ACK_MESSAGE, {}, encodeBatchAckRequest(request).toString());
  }

  /** The message with its new receipt. */
  async change(message: PoppedMessage, invisibleTime: number): Promise<PoppedMessage> {
    const { topic, queueId, offset, receipt } = message;
    const asked = { consumerGroup: GROUP, topic, queueId, offset, extraInfo: receipt, invisibleTime };
    const { code, remark, ext = {} } = await this.broker.ask(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, asked);
    if (code !== 0) throw new Error(`the invisible time is not changed: ${code} ${remark}`);
    const [, , , , flag, brokerName] = receipt.split(' ');
    return {
      ...message,
      receipt: `${offset} ${ext.popTime} ${ext.invisibleTime} ${ext.reviveQid} ${flag} ${brokerName} ${queueId} ${offset}`,
    };
  }
}

/** Reads an answer as Java's client does: the receipt is put together from the header, unless the message has one. */
export function readPopAnswer(
  { code, remark, ext = {}, body, bodyParts }: OutgoingResponse,
  group: string,
  brokerName = 'broker-a',
): PopAnswer {
  const bytes = Buffer.concat(bodyParts ?? (body === undefined ? [] : [body]));
  const starts = new Map<string, string>();
  const listed = new Set<string>();
  for (const item of itemsOf(ext.startOffsetInfo)) starts.set(`${item[0]} ${item[1]}`, item[2]!);
  for (const item of itemsOf(ext.msgOffsetInfo)) {
    for (const offset of item[2]!.split(',')) listed.add(`${item[0]} ${item[1]} ${offset}`);
  }
  const messages = readRecords(bytes).map((record): PoppedMessage => {
    const properties = decodeProperties(record.properties);
    const isRetry = record.topic.startsWith('%RETRY%');
    const flag = properties.POP_CK?.split(' ')[4] ?? (isRetry ? '1' : '0');
    const { queueId, queueOffset } = record;
    const start = starts.get(`${flag} ${queueId}`);
    if (start === undefined || !listed.delete(`${flag} ${queueId} ${queueOffset}`)) {
      throw new Error(`the header does not name offset ${queueOffset} of queue ${queueId}`);
    }
    return {
      id: record.body.toString(),
      topic: flag === '1' && !isRetry ? `%RETRY%${group}_${record.topic}` : record.topic,
      queueId,
      offset: queueOffset,
      receipt: properties.POP_CK ?? receiptOf(record, ext, start, `${flag} ${brokerName}`),
      reconsumeTimes: record.reconsumeTimes,
      properties: { ...properties },
    };
  });
  if (listed.size > 0) throw new Error(`the header names messages that are not there: ${[...listed].join()}`);
  return { code, remark, ext: ext as Readonly<Record<string, unknown>>, messages };
}

function receiptOf(record: StoredRecord, ext: Readonly<Record<string, unknown>>, start: string, from: string): string {
  const { popTime, invisibleTime, reviveQid } = ext;
  return `${start} ${popTime} ${invisibleTime} ${reviveQid} ${from} ${record.queueId} ${record.queueOffset}`;
}

function itemsOf(info: unknown): string[][] {
  return typeof info !== 'string' || info === '' ? [] : info.split(';').map((item) => item.split(' '));
}
