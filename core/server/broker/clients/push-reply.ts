import { withProperties } from '../../../message/edited-properties.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import type { ExtInput, OutgoingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { Logger } from '../../../runtime/logger.js';
import type { ProducerRegistry } from './producer-registry.js';

/** A reply on its way to the client that waits for it. */
export interface ReplyToPush {
  /** What the replier's header says, under the long names of a send. */
  readonly header: ExtInput;
  /** As they came. */
  readonly properties: string;
  readonly body: Uint8Array;
  /** `ip:port` of the replier, and of this broker. */
  readonly bornHost: string;
  readonly storeHost: string;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
}

/** How long the waiting client may take to accept a reply. Matches Apache's Broker2Client.callClient. */
const PUSH_TIMEOUT_MS = 10_000;

/**
 * Hands a reply to the client that its property REPLY_TO_CLIENT names, over the connection of one of its producers.
 * Resolves to why that failed, in Apache's words; undefined when the client took it. Never rejects.
 */
export async function pushReply(
  reply: ReplyToPush,
  producers: ProducerRegistry,
  logger: Logger,
): Promise<string | undefined> {
  const clientId = findProperty(reply.properties, PropertyName.REPLY_TO_CLIENT);
  if (clientId === undefined) return `reply message properties[${PropertyName.REPLY_TO_CLIENT}] is null`;
  const connection = producers.connectionOf(clientId);
  if (connection === undefined) return `push reply message fail, channel of <${clientId}> not found.`;
  try {
    const { code, remark } = await connection.invoke(pushRequest(reply), { timeoutMs: PUSH_TIMEOUT_MS });
    if (code === ResponseCode.SUCCESS) return undefined;
    logger.warn('a client refused a reply', { clientId, code, remark });
  } catch (error) {
    logger.warn('a reply could not be pushed to its client', { clientId, error });
  }
  return `push reply message to ${clientId}fail.`;
}

/** Matches Apache's ReplyMessageRequestHeader. */
function pushRequest({ header, properties, body, bornHost, storeHost, now }: ReplyToPush): OutgoingCommand {
  const pushed = withProperties(properties, { [PropertyName.PUSH_REPLY_TIME]: now });
  return {
    code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
    ext: { ...header, properties: pushed, bornHost, storeHost, storeTimestamp: now },
    body,
  };
}
