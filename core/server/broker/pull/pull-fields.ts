import {
  optionalInt64,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';

/** The header of PULL_MESSAGE. Matches Apache's PullMessageRequestHeader. */
export interface PullRequest {
  readonly consumerGroup: string;
  readonly topic: string;
  readonly queueId: number;
  /** First queue offset wanted. */
  readonly queueOffset: number;
  readonly maxMsgNums: number;
  /** Bits of PullSysFlag. */
  readonly sysFlag: number;
  readonly commitOffset: number;
  readonly suspendTimeoutMillis: number;
  readonly subscription: string | undefined;
  readonly subVersion: number;
  readonly expressionType: string | undefined;
  /** Whether it came as LITE_PULL_MESSAGE. */
  readonly lite: boolean;
}

/** Longest a pull is held, whatever a client asks for: half an hour. */
const SUSPEND_MS_MAX = 1_800_000;

/** @throws RMQ_BODY_INVALID when a required field is missing or of another type */
export function readPull(request: RemotingCommand, kind?: 'lite'): PullRequest {
  return {
    consumerGroup: requiredString(request, 'consumerGroup'),
    topic: requiredString(request, 'topic'),
    queueId: requiredInt32(request, 'queueId'),
    queueOffset: requiredInt64(request, 'queueOffset'),
    maxMsgNums: requiredInt32(request, 'maxMsgNums'),
    sysFlag: requiredInt32(request, 'sysFlag'),
    commitOffset: requiredInt64(request, 'commitOffset'),
    suspendTimeoutMillis: Math.min(requiredInt64(request, 'suspendTimeoutMillis'), SUSPEND_MS_MAX),
    subscription: optionalString(request, 'subscription'),
    subVersion: optionalInt64(request, 'subVersion') ?? 0,
    expressionType: optionalString(request, 'expressionType'),
    lite: kind === 'lite',
  };
}
