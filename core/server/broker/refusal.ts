import { ResponseCode } from '../../remoting/protocol/response-codes.js';

/** Why a request is refused. */
export interface Refusal {
  readonly code: number;
  readonly remark: string | undefined;
}

/** The line that Apache puts below remarks that its FAQ explains. */
export const FAQ_LINE = '\nSee http://rocketmq.apache.org/docs/faq/ for further details.';

/** A topic that requests other than sends want to read. In Apache's words, as those below. */
export function unknownTopic(topic: string): Refusal {
  return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `topic[${topic}] not exist, apply first please! ${FAQ_LINE}` };
}

/** A group that wants to read. */
export function unknownGroup(group: string): Refusal {
  const remark = `subscription group [${group}] does not exist, ${FAQ_LINE}`;
  return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
}

/** A group that sends messages back, or sends to its retry topic. */
export function unknownGroupOfRetry(group: string): Refusal {
  const remark = `subscription group not exist, ${group} ${FAQ_LINE}`;
  return { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark };
}

/** A group that an operator has switched off. */
export function groupSwitchedOff(group: string): Refusal {
  return { code: ResponseCode.NO_PERMISSION, remark: `subscription group no permission, ${group}` };
}
