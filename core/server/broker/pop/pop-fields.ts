import {
  optionalBoolean,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';

/** What every request of a pop consumer names. */
export interface PopTarget {
  readonly group: string;
  readonly topic: string;
  /** -1: any. */
  readonly queueId: number;
}

/** One that may wait. */
export interface PollingRequest extends PopTarget {
  /** How long the client waits at most, in milliseconds. */
  readonly pollTime: number;
  /** When it asked, milliseconds since 1970. */
  readonly bornTime: number;
  readonly order: boolean;
  /** The same for a request that is sent again; of orders only. */
  readonly attemptId: string | undefined;
}

/** The header of POP_MESSAGE. Matches Apache's PopMessageRequestHeader. */
export interface PopRequest extends PollingRequest {
  readonly maxMsgNums: number;
  /** How long the messages are the consumer's own, in milliseconds. */
  readonly invisibleTime: number;
  /** 0: from the first message, 1: from the last. */
  readonly initMode: number;
  readonly expressionType: string | undefined;
  readonly expression: string | undefined;
}

/** Longest a request is held, whatever a client asks for: half an hour. */
const POLL_MS_MAX = 1_800_000;

/** @throws RMQ_BODY_INVALID when a required field is missing or of another type */
export function readPop(request: RemotingCommand, nowMs: number): PopRequest {
  return {
    ...readPolling(request, nowMs),
    maxMsgNums: requiredInt32(request, 'maxMsgNums'),
    invisibleTime: requiredInt64(request, 'invisibleTime'),
    initMode: requiredInt32(request, 'initMode'),
    expressionType: optionalString(request, 'expType'),
    expression: optionalString(request, 'exp'),
  };
}

/** @throws RMQ_BODY_INVALID */
export function readPolling(request: RemotingCommand, nowMs: number): PollingRequest {
  // Some clients leave it to the broker.
  const bornTime = request.ext.bornTime === undefined ? 0 : requiredInt64(request, 'bornTime');
  return {
    ...readPopTarget(request),
    pollTime: Math.min(requiredInt64(request, 'pollTime'), POLL_MS_MAX),
    bornTime: bornTime === 0 ? nowMs : bornTime,
    order: optionalBoolean(request, 'order') ?? false,
    attemptId: optionalString(request, 'attemptId'),
  };
}

/** @throws RMQ_BODY_INVALID */
export function readPopTarget(request: RemotingCommand): PopTarget {
  return {
    group: requiredString(request, 'consumerGroup'),
    topic: requiredString(request, 'topic'),
    queueId: requiredInt32(request, 'queueId'),
  };
}
