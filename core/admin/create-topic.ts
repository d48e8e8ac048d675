import { rocketMQError } from '../errors/rocketmq-error.js';
import { SystemTopic } from '../message/system-topics.js';
import { Permission } from '../remoting/protocol/flags.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { CreateTopicOptions } from './admin.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { askMasters } from './ask-masters.js';
import { legalTopic } from './legal-topic.js';

const QUEUE_NUM_DEFAULT = 8;
const QUEUE_NUM_MAX = 65_536;

/** UPDATE_AND_CREATE_TOPIC at every master of a cluster, side by side. */
export async function createTopic(
  services: AdminServices,
  topic: string,
  options: CreateTopicOptions,
  limits: CallLimits,
): Promise<void> {
  const ext = headerOf(services.names.topicToWire(legalTopic(topic, 'created')), options);
  await askMasters(services, options.cluster, { code: RequestCode.UPDATE_AND_CREATE_TOPIC, ext }, limits);
}

function headerOf(topic: string, options: CreateTopicOptions) {
  const { queueNum = QUEUE_NUM_DEFAULT, perm = Permission.READ | Permission.WRITE, topicSysFlag = 0 } = options;
  requireWhole('queueNum', queueNum, 1, QUEUE_NUM_MAX);
  requireWhole('perm', perm, 0, Permission.READ | Permission.WRITE | Permission.INHERIT);
  requireWhole('topicSysFlag', topicSysFlag, 0, 3);
  const attributes = Object.entries(options.attributes ?? {}).map(([name, value]) => `+${name}=${value}`);
  return {
    topic,
    defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
    readQueueNums: queueNum,
    writeQueueNums: queueNum,
    perm,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag,
    order: options.order ?? false,
    ...(attributes.length > 0 && { attributes: attributes.join(',') }),
  };
}

function requireWhole(option: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
  const message = `createTopic option ${option} has to be a whole number from ${least} to ${most}, it is ${String(value)}`;
  throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
}
