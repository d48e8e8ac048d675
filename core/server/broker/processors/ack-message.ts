import { inject, injectable } from 'inversify';
import { type BatchAck, decodeBatchAckRequest } from '../../../remoting/protocol/batch-ack.js';
import { requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { isStored, MessageStore } from '../message-store.js';
import { type Acknowledgement, reviveTimeOf } from '../pop/checkpoint.js';
import { illegalQueue } from '../pop/pop-check.js';
import { PopOffsets } from '../pop/pop-offsets.js';
import { PopOrder } from '../pop/pop-order.js';
import { ORDER_REVIVE_QUEUE, parseReceipt, poppedTopicOf, retryFlagOf } from '../pop/pop-receipt.js';
import { REVIVE_QUEUE_NUMS, ReviveLog } from '../pop/revive-log.js';
import { type Refusal, unknownTopic } from '../refusal.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** What is to be noted, and where. */
interface Note {
  readonly ack: Acknowledgement;
  readonly reviveQueueId: number;
  readonly reviveTime: number;
}

/**
 * ACK_MESSAGE and BATCH_ACK_MESSAGE of 5.x: a consumer is done with messages that it popped. Answered when that is noted: from
 * then on they do not come back, unless they did already. Matches Apache's AckMessageProcessor (5.x).
 */
@injectable()
export class AckMessageProcessor implements BrokerProcessor {
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #reviveLog: ReviveLog;
  readonly #offsets: PopOffsets;
  readonly #order: PopOrder;

  readonly handlers = {
    [RequestCode.ACK_MESSAGE]: (request: RemotingCommand, connection: ServerConnection): Promise<OutgoingResponse> =>
      this.#ack(request, connection),
    [RequestCode.BATCH_ACK_MESSAGE]: (request: RemotingCommand): Promise<OutgoingResponse> => this.#ackBatch(request),
  };

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ReviveLog) reviveLog: ReviveLog,
    @inject(PopOffsets) offsets: PopOffsets,
    @inject(PopOrder) order: PopOrder,
  ) {
    this.#store = store;
    this.#topics = topics;
    this.#reviveLog = reviveLog;
    this.#offsets = offsets;
    this.#order = order;
  }

  async #ack(request: RemotingCommand, connection: ServerConnection): Promise<OutgoingResponse> {
    const topic = requiredString(request, 'topic');
    const queueId = requiredInt32(request, 'queueId');
    const offset = requiredInt64(request, 'offset');
    const group = requiredString(request, 'consumerGroup');
    const receipt = parseReceipt(requiredString(request, 'extraInfo'));
    const config = this.#topics.find(topic);
    if (config === undefined) return unknownTopic(topic);
    if (queueId >= config.readQueueNums || queueId < 0) {
      const remark = illegalQueue({ topic, queueId, group }, config, connection.remoteAddress);
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark };
    }
    const { minOffset, maxOffset } = this.#range(topic, queueId);
    if (offset < minOffset || offset > maxOffset) {
      const remark = `offset is illegal, key:${topic}@${queueId}, commit:${offset}, store:${minOffset}~${maxOffset}`;
      return { code: ResponseCode.NO_MESSAGE, remark };
    }
    const { startOffset, popTime, brokerName, reviveQueueId } = receipt;
    const ack = { topic, group, queueId, startOffset, popTime, brokerName, offsets: [offset] };
    return this.#note([{ ack, reviveQueueId, reviveTime: reviveTimeOf(receipt) }]);
  }

  async #ackBatch({ body }: RemotingCommand): Promise<OutgoingResponse> {
    const { brokerName, acks } = decodeBatchAckRequest(body);
    if (acks.length === 0) return { code: ResponseCode.NO_MESSAGE };
    const notes = acks.map((each) => this.#noteOf(each, brokerName));
    return this.#note(notes.filter(({ ack }) => ack.offsets.length > 0));
  }

  #noteOf(batch: BatchAck, brokerName: string): Note {
    const { consumerGroup: group, queueId, startOffset, popTime, reviveQueueId } = batch;
    const topic = poppedTopicOf(retryFlagOf(batch.retry), batch.topic, group);
    const { minOffset, maxOffset } = this.#range(topic, queueId);
    const offsets = batch.indexes
      .map((index) => startOffset + index)
      .filter((offset) => offset >= minOffset && offset <= maxOffset);
    const ack = { topic, group, queueId, startOffset, popTime, brokerName, offsets };
    return { ack, reviveQueueId, reviveTime: reviveTimeOf(batch) };
  }

  async #note(notes: readonly Note[]): Promise<OutgoingResponse> {
    const refusals = await Promise.all(
      notes.map((note) =>
        note.reviveQueueId === ORDER_REVIVE_QUEUE ? this.#ackInOrder(note.ack) : this.#append(note),
      ),
    );
    return refusals.find((each) => each !== undefined) ?? { code: ResponseCode.SUCCESS };
  }

  /** Why it is not noted; undefined when it is. */
  async #append({ ack, reviveQueueId, reviveTime }: Note): Promise<Refusal | undefined> {
    if (reviveQueueId < 0 || reviveQueueId >= REVIVE_QUEUE_NUMS) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `there is no revive queue ${reviveQueueId}` };
    }
    const message = this.#reviveLog.ackMessage(ack, reviveQueueId, reviveTime);
    if ('code' in message) return message;
    const result = await this.#reviveLog.append(message);
    if (isStored(result.status)) return undefined;
    return { code: ResponseCode.SYSTEM_ERROR, remark: `the acknowledgement is not stored: ${result.status}` };
  }

  /** What was popped in order has no checkpoint: the group goes on. */
  #ackInOrder({ group, topic, queueId, popTime, offsets }: Acknowledgement): Refusal | undefined {
    for (const offset of offsets) {
      const committed = this.#offsets.committed(group, topic, queueId) ?? -1;
      if (offset < committed) continue;
      const result = this.#order.ack({ group, topic, queueId }, offset, popTime);
      if (result.kind === 'next') this.#offsets.commitOrdered(group, topic, queueId, result.offset);
      if (result.kind === 'illegal') {
        const key = `${topic}@${group}@${queueId}`;
        const remark = `offset is illegal, key:${key}, old:${committed}, commit:${offset}, next:-1`;
        return { code: ResponseCode.MESSAGE_ILLEGAL, remark };
      }
    }
    return undefined;
  }

  #range(topic: string, queueId: number): { readonly minOffset: number; readonly maxOffset: number } {
    return {
      minOffset: this.#store.minOffset(topic, queueId),
      maxOffset: this.#store.maxOffset(topic, queueId),
    };
  }
}
