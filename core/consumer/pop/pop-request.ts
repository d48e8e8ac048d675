import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import { recogniseRefusal } from '../../remoting/peer-recognition.js';
import { optionalInt64, optionalString, requiredInt32, requiredInt64 } from '../../remoting/protocol/ext-fields.js';
import type { OutgoingCommand, RemotingCommand } from '../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { StartFrom } from '../options/consumer-options.js';
import { findRecords } from '../queues/pulled-message.js';
import { PoppedMessage } from './popped-message.js';

export interface PopFacts {
  /** The group on the wire. */
  readonly group: string;
  readonly queue: MessageQueue;
  /** 32 at most. */
  readonly maxMessages: number;
  readonly invisibleTimeMs: number;
  readonly pollTimeMs: number;
  /** Milliseconds since 1970. */
  readonly bornTimestamp: number;
  /** Where to begin in queues that the group has no offset of. */
  readonly from: StartFrom;
  readonly expressionType: 'TAG' | 'SQL92';
  readonly expression: string;
}

/** POP_MESSAGE (protocol §2.13): held by the broker while there is nothing. */
export function popRequest(facts: PopFacts): OutgoingCommand {
  const { queue } = facts;
  return {
    code: RequestCode.POP_MESSAGE,
    ext: {
      consumerGroup: facts.group,
      topic: queue.topic,
      queueId: queue.queueId,
      maxMsgNums: facts.maxMessages,
      invisibleTime: facts.invisibleTimeMs,
      pollTime: facts.pollTimeMs,
      bornTime: facts.bornTimestamp,
      initMode: facts.from === 'first' ? 0 : 1,
      expType: facts.expressionType,
      exp: facts.expression,
      order: false,
      bname: queue.brokerName,
    },
  };
}

/** What a broker makes of a pop. */
export type PopAnswer =
  | {
      readonly kind: 'found';
      readonly messages: readonly PoppedMessage[];
      readonly sizeBytes: number;
      /** What is left in all queues. */
      readonly restCount: number;
    }
  | { readonly kind: 'nothing' }
  /** It holds as many pops as it may. */
  | { readonly kind: 'full' };

/**
 * Reads the answer to a pop; what it keeps of the body is copied, since the bytes belong to the connection.
 * @throws RMQ_BROKER_ERROR for a refusal, RMQ_BODY_INVALID
 */
export function readPopAnswer(response: RemotingCommand, { group, queue }: PopFacts, address: string): PopAnswer {
  const { code } = response;
  if (code === ResponseCode.POLLING_TIMEOUT || code === ResponseCode.PULL_NOT_FOUND) return { kind: 'nothing' };
  if (code === ResponseCode.POLLING_FULL) return { kind: 'full' };
  if (code !== ResponseCode.SUCCESS) throw refusedPop(response, address);
  const records = Buffer.from(response.body);
  const stamp = {
    group,
    brokerName: queue.brokerName,
    popTime: requiredInt64(response, 'popTime'),
    invisibleTimeMs: requiredInt64(response, 'invisibleTime'),
    reviveQueueId: requiredInt32(response, 'reviveQid'),
    startOffsets: parseStartOffsets(optionalString(response, 'startOffsetInfo')),
  };
  return {
    kind: 'found',
    messages: findRecords(
      records,
      (...place: [Buffer, number, number, number]) => new PoppedMessage(...place, stamp),
      'pop',
    ),
    sizeBytes: records.length,
    restCount: Math.max(0, optionalInt64(response, 'restNum') ?? 0),
  };
}

/** A broker's refusal of POP_MESSAGE; one that does not know it at all gets a hint. */
export function refusedPop(response: RemotingCommand, address: string) {
  const { code, remark } = response;
  const stranger = recogniseRefusal(response);
  const unknown = code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED && stranger === undefined;
  const looks = stranger ? ` (it looks like ${stranger.what})` : '';
  const hint = unknown
    ? "Brokers of Apache RocketMQ 5 and ours know it; use messageRequestMode: 'pull' with older ones."
    : stranger?.advice;
  const message = unknown
    ? `the broker at ${address} does not know pop, nor how to share queues out: it is older than 5.0`
    : `the broker at ${address} refused a pop with code ${code}: ${remark ?? 'no remark'}${looks}`;
  return rocketMQError(
    'RMQ_BROKER_ERROR',
    message,
    { responseCode: code, address, ...(remark === undefined ? {} : { remark }) },
    hint === undefined ? {} : { hint },
  );
}

/** `origin SP queueId SP offset`, joined by `;`. */
function parseStartOffsets(text: string | undefined): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  for (const item of text?.split(';') ?? []) {
    const [origin, queueId, offset] = item.split(' ');
    if (offset !== undefined) offsets.set(`${origin} ${queueId}`, Number(offset));
  }
  return offsets;
}
