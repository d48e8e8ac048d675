import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import { recogniseRefusal } from '../../remoting/peer-recognition.js';
import { optionalInt64, requiredInt64 } from '../../remoting/protocol/ext-fields.js';
import { PullSysFlag } from '../../remoting/protocol/flags.js';
import type { OutgoingCommand, RemotingCommand } from '../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import { findRecords, type PulledMessage } from '../queues/pulled-message.js';

export interface PullFacts {
  /** The group on the wire. */
  readonly group: string;
  readonly queue: MessageQueue;
  readonly offset: number;
  readonly batchSize: number;
  readonly suspendTimeoutMs: number;
  readonly subVersion: number;
  readonly expressionType: 'TAG' | 'SQL92';
  /** The expression of a consumer whose brokers do not know it from heartbeats; then `subVersion` means nothing. */
  readonly subscription?: string;
  /** As lite pull consumers read: `code` is LITE_PULL_MESSAGE towards brokers that know it. Default a plain PULL_MESSAGE. */
  readonly lite?: { readonly code: number };
  /** Whether a broker that finds nothing holds the pull. Default true. */
  readonly held?: boolean;
}

/** PULL_MESSAGE (protocol §2.6): held by the broker while there is nothing; a push consumer's subscription is known from heartbeats. */
export function pullRequest(facts: PullFacts): OutgoingCommand {
  const { queue, subscription, lite, held = true } = facts;
  return {
    code: lite?.code ?? RequestCode.PULL_MESSAGE,
    ext: {
      consumerGroup: facts.group,
      topic: queue.topic,
      queueId: queue.queueId,
      queueOffset: facts.offset,
      maxMsgNums: facts.batchSize,
      sysFlag:
        (held ? PullSysFlag.SUSPEND : 0) |
        (subscription === undefined ? 0 : PullSysFlag.SUBSCRIPTION) |
        (lite === undefined ? 0 : PullSysFlag.LITE_PULL),
      // Never a position: a broker works on pulls beside other requests, and this one could come out behind a newer one.
      commitOffset: 0,
      suspendTimeoutMillis: facts.suspendTimeoutMs,
      ...(subscription === undefined ? {} : { subscription }),
      subVersion: subscription === undefined ? facts.subVersion : 0,
      expressionType: facts.expressionType,
      bname: queue.brokerName,
    },
  };
}

/** What a broker makes of a pull. */
export type PullAnswer =
  | {
      readonly kind: 'found';
      readonly messages: readonly PulledMessage[];
      readonly sizeBytes: number;
      readonly nextOffset: number;
      readonly suggestedBrokerId: number;
      /** Where the queue ends, as far as the broker tells. */
      readonly maxOffset: number | undefined;
    }
  /** Nothing for this consumer up to `nextOffset` (19 nothing new, 20 nothing that matches). */
  | {
      readonly kind: 'nothing';
      readonly nextOffset: number;
      readonly suggestedBrokerId: number;
      readonly maxOffset: number | undefined;
    }
  /** The offset that was asked for is not there; reading can go on at `nextOffset` (21). */
  | { readonly kind: 'illegal'; readonly nextOffset: number; readonly suggestedBrokerId: number };

/**
 * Reads the answer to a pull; what it keeps of the body is copied, since the bytes belong to the connection.
 * @throws RMQ_BROKER_ERROR for a refusal, RMQ_BODY_INVALID
 */
export function readPullAnswer(response: RemotingCommand, address: string): PullAnswer {
  const { code } = response;
  if (
    code !== ResponseCode.SUCCESS &&
    code !== ResponseCode.PULL_NOT_FOUND &&
    code !== ResponseCode.PULL_RETRY_IMMEDIATELY &&
    code !== ResponseCode.PULL_OFFSET_MOVED
  ) {
    const stranger = recogniseRefusal(response);
    const looks = stranger ? ` (it looks like ${stranger.what})` : '';
    throw rocketMQError(
      'RMQ_BROKER_ERROR',
      `the broker at ${address} refused a pull with code ${code}: ${response.remark ?? 'no remark'}${looks}`,
      { responseCode: code, address, ...(response.remark === undefined ? {} : { remark: response.remark }) },
      stranger && { hint: stranger.advice },
    );
  }
  const nextOffset = requiredInt64(response, 'nextBeginOffset');
  const suggestedBrokerId = requiredInt64(response, 'suggestWhichBrokerId');
  if (code === ResponseCode.PULL_OFFSET_MOVED) return { kind: 'illegal', nextOffset, suggestedBrokerId };
  const maxOffset = optionalInt64(response, 'maxOffset');
  if (code !== ResponseCode.SUCCESS) return { kind: 'nothing', nextOffset, suggestedBrokerId, maxOffset };
  const records = Buffer.from(response.body);
  return {
    kind: 'found',
    messages: findRecords(records),
    sizeBytes: records.length,
    nextOffset,
    suggestedBrokerId,
    maxOffset,
  };
}
