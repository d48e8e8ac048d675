import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';

/**
 * Says of each message whether its consumer gets it. One that is refused counts as done, and no interceptor or handler sees
 * it. Matches Apache's FilterMessageHook.
 */
export type AcceptMessage = (message: ReceivedMessage, queue: MessageQueue) => boolean;

/** A filter of a plugin, as the plugin host collects it. */
export interface DeliveryFilterAttachment {
  readonly plugin: string;
  readonly order: { readonly before?: readonly string[]; readonly after?: readonly string[] } | undefined;
  /** Undefined leaves this consumer alone. */
  readonly create: (consumer: { readonly group: string }) => AcceptMessage | undefined;
}

/** A filter of one consumer. */
export interface DeliveryFilter {
  readonly plugin: string;
  readonly accepts: AcceptMessage;
}

/** What a filter threw, under its plugin's name. */
export function filterFailed(plugin: string, error: unknown): Error {
  const message = `plugin ${plugin} failed to filter a message: ${error instanceof Error ? error.message : String(error)}`;
  return rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin }, { cause: error });
}
