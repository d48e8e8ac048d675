import { expectSuccess } from '../../remoting/expect-success.js';
import { type BatchAck, encodeBatchAckRequest } from '../../remoting/protocol/batch-ack.js';
import { requiredInt32, requiredInt64 } from '../../remoting/protocol/ext-fields.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';
import { formatReceipt, type Receipt, realTopic } from './receipt.js';

/** A message of which something is said. */
export interface ReceivedPop {
  /** The topic that was popped, on the wire. */
  readonly topic: string;
  readonly receipt: Receipt;
}

export interface PopRequestServices {
  /** The group on the wire. */
  readonly group: string;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly timeoutMs: number;
}

/** What is said to brokers of popped messages (protocol §2.13). */
export class PopRequests {
  readonly #services: PopRequestServices;

  constructor(services: PopRequestServices) {
    this.#services = services;
  }

  /** ACK_MESSAGE. A receipt that has expired is taken as well: the message comes again all the same. */
  async acknowledge({ topic, receipt }: ReceivedPop): Promise<void> {
    const { group } = this.#services;
    const { brokerName } = receipt;
    const ext = {
      consumerGroup: group,
      topic: realTopic(topic, group, receipt.origin),
      queueId: receipt.queueId,
      extraInfo: formatReceipt(receipt),
      offset: receipt.queueOffset,
      bname: brokerName,
    };
    expectSuccess(await this.#ask(topic, brokerName, { code: RequestCode.ACK_MESSAGE, ext }), { broker: brokerName });
  }

  /** BATCH_ACK_MESSAGE: many messages of one broker. Says nothing of each; one that was not taken comes again. */
  async acknowledgeAll(brokerName: string, acknowledged: readonly ReceivedPop[]): Promise<void> {
    const [first] = acknowledged as [ReceivedPop];
    const body = encodeBatchAckRequest({ brokerName, acks: mergeAcks(acknowledged, this.#services.group) });
    const request = { code: RequestCode.BATCH_ACK_MESSAGE, body };
    expectSuccess(await this.#ask(first.topic, brokerName, request), { broker: brokerName });
  }

  /**
   * CHANGE_MESSAGE_INVISIBLETIME: the message comes again after `invisibleTimeMs` from now unless something else is said of
   * it, with the receipt that is returned.
   */
  async changeInvisibleTime({ topic, receipt }: ReceivedPop, invisibleTimeMs: number): Promise<Receipt> {
    const { group } = this.#services;
    const { brokerName, queueOffset } = receipt;
    const ext = {
      consumerGroup: group,
      topic: realTopic(topic, group, receipt.origin),
      queueId: receipt.queueId,
      extraInfo: formatReceipt(receipt),
      offset: queueOffset,
      invisibleTime: invisibleTimeMs,
      bname: brokerName,
    };
    const request = { code: RequestCode.CHANGE_MESSAGE_INVISIBLETIME, ext };
    const response = expectSuccess(await this.#ask(topic, brokerName, request), { broker: brokerName });
    return {
      ...receipt,
      startOffset: queueOffset,
      popTime: requiredInt64(response, 'popTime'),
      invisibleTimeMs: requiredInt64(response, 'invisibleTime'),
      reviveQueueId: requiredInt32(response, 'reviveQid'),
    };
  }

  async #ask(topic: string, brokerName: string, request: { code: number; ext?: object; body?: Buffer }) {
    const { routes, remoting, timeoutMs } = this.#services;
    const address = routes.brokerAddress(brokerName, 0) ?? (await routes.loadBrokerAddress(brokerName, topic));
    return remoting.invoke(address, request as Parameters<RemotingClient['invoke']>[1], { timeoutMs });
  }
}

/** One entry for what one pop brought of a queue. */
function mergeAcks(acknowledged: readonly ReceivedPop[], group: string): readonly BatchAck[] {
  const merged = new Map<string, { readonly first: ReceivedPop; readonly offsets: number[] }>();
  for (const one of acknowledged) {
    const { startOffset, popTime, invisibleTimeMs, reviveQueueId, origin, queueId, queueOffset } = one.receipt;
    const key = [one.topic, origin, queueId, startOffset, popTime, invisibleTimeMs, reviveQueueId].join(' ');
    const entry = merged.get(key) ?? { first: one, offsets: [] };
    merged.set(key, entry);
    entry.offsets.push(queueOffset - startOffset);
  }
  return [...merged.values()].map(({ first: { topic, receipt }, offsets }) => ({
    consumerGroup: group,
    topic,
    retry: receipt.origin,
    startOffset: receipt.startOffset,
    queueId: receipt.queueId,
    reviveQueueId: receipt.reviveQueueId,
    popTime: receipt.popTime,
    invisibleTime: receipt.invisibleTimeMs,
    indexes: offsets.sort((a, b) => a - b),
  }));
}
