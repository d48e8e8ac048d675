import type { MessageQueue } from '../message/message.js';
import {
  type ConsumeDirectlyResult,
  encodeConsumeDirectlyResult,
} from '../remoting/protocol/consume-directly-result.js';
import { type ConsumerRunningInfo, encodeConsumerRunningInfo } from '../remoting/protocol/consumer-running-info.js';
import { optionalBoolean, requiredString } from '../remoting/protocol/ext-fields.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { decodeResetOffsetBody, encodeConsumerStatus } from '../remoting/protocol/reset-offset-body.js';
import { ResponseCode } from '../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { Logger } from '../runtime/logger.js';

/** What brokers send to consumers (protocol §2.12), one answerer a code for all consumers of a client. */
export const CONSUMER_CALL_CODES: readonly number[] = [
  RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
  RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
  RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
  RequestCode.GET_CONSUMER_RUNNING_INFO,
  RequestCode.CONSUME_MESSAGE_DIRECTLY,
];

/** A consumer as requests of a broker find it. Names are names on the wire. */
export interface RegisteredConsumer {
  readonly group: string;
  /** Members joined or left. */
  onMembersChanged(): void;
  /** An administrator wants it to go on from other offsets, in those of its queues that are named. */
  resetOffsets(topic: string, offsets: ReadonlyMap<MessageQueue, number>): void;
  /** How far it is in its queues of a topic. */
  offsets(topic: string): ReadonlyMap<MessageQueue, number>;
  /** @param described whether it should tell what runs, too */
  runningInfo(described: boolean): ConsumerRunningInfo;
  /** An operator wants it to handle one stored message now. @throws when it cannot, also by its promise */
  consumeDirectly(record: Buffer, brokerName: string): Promise<ConsumeDirectlyResult>;
}

/** The running consumers of one client. */
export interface ConsumerRegistry {
  /** Returns a way to take it out again. */
  add(consumer: RegisteredConsumer): () => void;
}

/** Makes the registry of a client and lets it answer what brokers send to consumers. Once per RemotingClient. */
export function createConsumerRegistry(remoting: RemotingClient, logger: Logger): ConsumerRegistry {
  const consumers = new Set<RegisteredConsumer>();
  const find = (group: string): RegisteredConsumer | undefined =>
    [...consumers].find((consumer) => consumer.group === group);
  const ofGroup =
    (answer: (consumer: RegisteredConsumer, request: RemotingCommand) => OutgoingCommand | Promise<OutgoingCommand>) =>
    (request: RemotingCommand): OutgoingCommand | Promise<OutgoingCommand> => {
      const group = requiredString(request, 'consumerGroup');
      const consumer = find(group);
      return consumer === undefined ? unknownGroup(group) : answer(consumer, request);
    };

  remoting.handle(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, (request, address) => {
    const group = request.ext.consumerGroup;
    logger.debug('the members of a consumer group changed', { group, address });
    for (const consumer of consumers) {
      if (consumer.group === group) consumer.onMembersChanged();
    }
    return undefined;
  });
  remoting.handle(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, (request, address) => {
    const [topic, group] = [requiredString(request, 'topic'), requiredString(request, 'group')];
    logger.info('an administrator resets the offsets of a consumer group', { group, topic, address });
    find(group)?.resetOffsets(topic, decodeResetOffsetBody(request.body));
    return undefined;
  });
  remoting.handle(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, (request) => {
    const [topic, group] = [requiredString(request, 'topic'), requiredString(request, 'group')];
    const offsets = find(group)?.offsets(topic) ?? new Map<MessageQueue, number>();
    return { code: ResponseCode.SUCCESS, body: encodeConsumerStatus(offsets) };
  });
  remoting.handle(
    RequestCode.GET_CONSUMER_RUNNING_INFO,
    ofGroup((consumer, request) => {
      const described = optionalBoolean(request, 'jstackEnable') ?? false;
      return { code: ResponseCode.SUCCESS, body: encodeConsumerRunningInfo(consumer.runningInfo(described)) };
    }),
  );
  remoting.handle(
    RequestCode.CONSUME_MESSAGE_DIRECTLY,
    ofGroup(async (consumer, request) => {
      // The bytes belong to the connection, and a handler takes its time.
      const result = await consumer.consumeDirectly(Buffer.from(request.body), request.ext.brokerName ?? '');
      return { code: ResponseCode.SUCCESS, body: encodeConsumeDirectlyResult(result) };
    }),
  );
  return {
    add(consumer) {
      consumers.add(consumer);
      return () => consumers.delete(consumer);
    },
  };
}

function unknownGroup(group: string): OutgoingCommand {
  const remark = `The Consumer Group <${group}> not exist in this consumer`;
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
