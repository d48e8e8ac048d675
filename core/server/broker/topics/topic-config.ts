import { Permission } from '../../../remoting/protocol/flags.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';

/** Requests about a topic walk over its queues; one request must not be able to make that take minutes. */
export const QUEUE_NUMS_MAX = 65_536;

const READ_WRITE = Permission.READ | Permission.WRITE;

/** A topic with as many queues to read as to write; read and write permission unless told otherwise. */
export function topicConfig(
  topicName: string,
  queueNums: number,
  { perm = READ_WRITE, topicSysFlag = 0 }: { readonly perm?: number; readonly topicSysFlag?: number } = {},
): TopicConfig {
  return {
    topicName,
    readQueueNums: queueNums,
    writeQueueNums: queueNums,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag,
    order: false,
  };
}

/** As Apache's TopicConfig.toString writes it into a remark. */
export function describeTopicConfig(config: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag, order } = config;
  const read = perm & Permission.READ ? 'R' : '-';
  const write = perm & Permission.WRITE ? 'W' : '-';
  const inherit = perm & Permission.INHERIT ? 'X' : '-';
  return (
    `TopicConfig [topicName=${topicName}, readQueueNums=${readQueueNums}, writeQueueNums=${writeQueueNums}, ` +
    `perm=${read}${write}${inherit}, topicFilterType=${topicFilterType}, topicSysFlag=${topicSysFlag}, order=${order}]`
  );
}
