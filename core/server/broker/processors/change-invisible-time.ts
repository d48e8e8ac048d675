import { inject, injectable } from 'inversify';
import { requiredInt32, requiredInt64, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { isStored, MessageStore } from '../message-store.js';
import { type Checkpoint, reviveTimeOf } from '../pop/checkpoint.js';
import { illegalQueue } from '../pop/pop-check.js';
import { PopOrder } from '../pop/pop-order.js';
import { ORDER_REVIVE_QUEUE, parseReceipt } from '../pop/pop-receipt.js';
import { REVIVE_QUEUE_NUMS, ReviveLog } from '../pop/revive-log.js';
import { unknownTopic } from '../refusal.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/**
 * CHANGE_MESSAGE_INVISIBLETIME of 5.x: a popped message stays away longer, or comes back sooner. It gets a checkpoint of its
 * own and is acknowledged in the one it was in; a kill in between leaves the former, so that it may come twice but is not
 * lost. Matches Apache's ChangeInvisibleTimeProcessor (5.x).
 */
@injectable()
export class ChangeInvisibleTimeProcessor implements BrokerProcessor {
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #reviveLog: ReviveLog;
  readonly #order: PopOrder;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.CHANGE_MESSAGE_INVISIBLETIME]: (
      request: RemotingCommand,
      connection: ServerConnection,
    ): Promise<OutgoingResponse> => this.#change(request, connection),
  };

  constructor(
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ReviveLog) reviveLog: ReviveLog,
    @inject(PopOrder) order: PopOrder,
    @inject(Clock) clock: Clock,
  ) {
    this.#store = store;
    this.#topics = topics;
    this.#reviveLog = reviveLog;
    this.#order = order;
    this.#clock = clock;
  }

  async #change(request: RemotingCommand, connection: ServerConnection): Promise<OutgoingResponse> {
    const topic = requiredString(request, 'topic');
    const group = requiredString(request, 'consumerGroup');
    const queueId = requiredInt32(request, 'queueId');
    const offset = requiredInt64(request, 'offset');
    const invisibleTime = requiredInt64(request, 'invisibleTime');
    const receipt = parseReceipt(requiredString(request, 'extraInfo'));
    const config = this.#topics.find(topic);
    if (config === undefined) return { ...unknownTopic(topic), ext: {} };
    if (queueId >= config.readQueueNums || queueId < 0) {
      const remark = illegalQueue({ topic, queueId, group }, config, connection.remoteAddress);
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark, ext: {} };
    }
    if (offset < this.#store.minOffset(topic, queueId) || offset >= this.#store.maxOffset(topic, queueId)) {
      return { code: ResponseCode.NO_MESSAGE, ext: {} };
    }
    const { brokerName, startOffset, reviveQueueId } = receipt;
    if (reviveQueueId === ORDER_REVIVE_QUEUE) {
      const visibleAt = this.#clock.now() + invisibleTime;
      this.#order.changeVisible({ group, topic, queueId }, offset, receipt.popTime, visibleAt);
      const ext = { popTime: receipt.popTime, invisibleTime: visibleAt - receipt.popTime, reviveQid: reviveQueueId };
      return { code: ResponseCode.SUCCESS, ext };
    }
    if (reviveQueueId < 0 || reviveQueueId >= REVIVE_QUEUE_NUMS) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: `there is no revive queue ${reviveQueueId}`, ext: {} };
    }
    // The pop time is what tells this checkpoint from the one before.
    const popTime = Math.max(this.#clock.now(), receipt.popTime + 1);
    const name = { topic, group, queueId, brokerName };
    const again: Checkpoint = {
      ...{ ...name, startOffset: offset, popTime, invisibleTime },
      offsets: [offset],
      ackedBits: 0,
    };
    const checkpoint = this.#reviveLog.checkpointMessage(again, reviveQueueId);
    if ('code' in checkpoint) return { ...checkpoint, ext: {} };
    const done = { ...name, startOffset, popTime: receipt.popTime, offsets: [offset] };
    const ack = this.#reviveLog.ackMessage(done, reviveQueueId, reviveTimeOf(receipt));
    if ('code' in ack) return { ...ack, ext: {} };
    const result = await this.#reviveLog.appendTogether([checkpoint, ack]);
    if (!isStored(result.status)) return { code: ResponseCode.SYSTEM_ERROR, remark: result.status, ext: {} };
    return { code: ResponseCode.SUCCESS, ext: { popTime, invisibleTime, reviveQid: reviveQueueId } };
  }
}
