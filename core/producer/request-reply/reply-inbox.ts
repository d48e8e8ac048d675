import type { Compressor } from '../../message/compression/compressor.js';
import type { ReceivedMessage } from '../../message/message.js';
import { findProperty } from '../../message/properties.js';
import { PropertyName } from '../../message/property-names.js';
import type { ResourceNames } from '../../message/resource-names.js';
import type { OutgoingCommand, RemotingCommand } from '../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import { readPushedReply } from './pushed-reply.js';

/** Who waits for a reply. */
export interface AwaitedReply {
  readonly correlationId: string;
  onReply(reply: ReceivedMessage): void;
  /** The reply came and cannot be read. */
  onUnreadableReply(error: unknown): void;
}

/** The requests of one client that wait for their replies. */
export interface ReplyInbox {
  /** As brokers know this client: where replies are pushed to. */
  readonly clientId: string;
  await(request: AwaitedReply): void;
  /** Its reply is late from now on. */
  forget(request: AwaitedReply): void;
  /** `lateReplies` came when nobody waited for them any more, or came twice; they are dropped. */
  readonly statistics: { readonly awaitedReplies: number; readonly lateReplies: number };
}

export interface ReplyInboxOptions {
  readonly clientId: string;
  readonly remoting: RemotingClient;
  readonly routes: Pick<RouteTable, 'brokers'>;
  readonly names: Pick<ResourceNames, 'topicFromWire'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly compressors: readonly Compressor[];
}

/**
 * Makes the inbox of a client and lets it answer what brokers push. Once per RemotingClient. Matches Apache's
 * RequestFutureHolder.
 */
export function createReplyInbox(options: ReplyInboxOptions): ReplyInbox {
  const { clientId, remoting, routes, names, clock, logger, compressors } = options;
  const awaited = new Map<string, AwaitedReply>();
  let lateReplies = 0;

  const onPush = async (pushed: RemotingCommand, address: string): Promise<OutgoingCommand> => {
    const correlationId = findProperty(pushed.ext.properties ?? '', PropertyName.CORRELATION_ID);
    const request = awaited.get(correlationId ?? '');
    if (request === undefined) {
      lateReplies++;
      logger.debug('a reply came that nobody waits for', { correlationId, address });
      return { code: ResponseCode.SUCCESS };
    }
    awaited.delete(request.correlationId);
    try {
      const brokerName = routes.brokers().find((broker) => broker.address === address)?.brokerName ?? '';
      const topicFromWire = (topic: string) => names.topicFromWire(topic);
      const parts = { topicFromWire, brokerName, arrivedAt: clock.now(), compressors };
      request.onReply(await readPushedReply(pushed, parts));
      return { code: ResponseCode.SUCCESS };
    } catch (error) {
      logger.warn('a reply cannot be read', { correlationId, address, error });
      request.onUnreadableReply(error);
      return { code: ResponseCode.SYSTEM_ERROR, remark: 'process reply message fail' };
    }
  };
  remoting.handle(RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT, onPush);
  return {
    clientId,
    await: (request) => awaited.set(request.correlationId, request),
    forget: (request) => awaited.delete(request.correlationId),
    get statistics() {
      return { awaitedReplies: awaited.size, lateReplies };
    },
  };
}
