import type { MessageQueue } from '../../message/message.js';
import { expectSuccess } from '../../remoting/expect-success.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';

/** A broker makes a message of this level a dead letter. */
export const DEAD_LETTER_LEVEL = -1;
/** Java waits so long. */
const SEND_BACK_TIMEOUT_MS = 5_000;

/** A message to send back. */
export interface SendBackFacts {
  /** Where it lies; names are names on the wire. */
  readonly queue: MessageQueue;
  readonly commitLogOffset: number;
  /** The id its producer gave it; undefined where it could not be read. */
  readonly msgId: string | undefined;
  /** The topic it was sent to first, on the wire. */
  readonly originTopic: string;
  /** -1 a dead letter, 0 as the broker counts, else its delay level. */
  readonly delayLevel: number;
  /** After so many failed tries the broker makes it a dead letter. */
  readonly maxReconsumeTimes: number;
}

/** Gives a message back to its broker, by promise. Rejects when the broker did not take it, or nobody knows. */
export type SendBack = (facts: SendBackFacts) => Promise<void>;

export interface SendBackServices {
  /** The group on the wire. */
  readonly group: string;
  readonly unitMode: boolean;
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
}

/**
 * CONSUMER_SEND_MSG_BACK (protocol §2.3): the broker stores the message anew for the group's retry topic, delayed, or for its
 * dead letters when it was tried often enough; it counts its tries.
 */
export function createSendBack({ group, unitMode, routes, remoting }: SendBackServices): SendBack {
  return async ({ queue, commitLogOffset, msgId, originTopic, delayLevel, maxReconsumeTimes }) => {
    const { brokerName } = queue;
    const address = routes.brokerAddress(brokerName, 0) ?? (await routes.loadBrokerAddress(brokerName, queue.topic));
    const ext = {
      offset: commitLogOffset,
      group,
      delayLevel,
      ...(msgId === undefined ? {} : { originMsgId: msgId }),
      originTopic,
      unitMode,
      maxReconsumeTimes,
      bname: brokerName,
    };
    const request = { code: RequestCode.CONSUMER_SEND_MSG_BACK, ext };
    const response = await remoting.invoke(address, request, { timeoutMs: SEND_BACK_TIMEOUT_MS });
    expectSuccess(response, { broker: brokerName });
  };
}
