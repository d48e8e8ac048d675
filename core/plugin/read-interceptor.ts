import type { ReceivedMessage } from '../message/message.js';
import { pluginFailure } from './plugin-failure.js';

/** Sees each message that a plugin reads with `host.readMessages`, and hands on this one or another. */
export type ReadInterceptor = (message: ReceivedMessage) => ReceivedMessage | Promise<ReceivedMessage>;

/** One of them as the plugin host collects it. */
export interface ReadAttachment {
  readonly plugin: string;
  readonly intercept: ReadInterceptor;
}

/** What plugins make of a message, in order of registration. @throws RMQ_PLUGIN_FAILED naming the one that failed */
export async function readThrough(
  attachments: readonly ReadAttachment[],
  read: ReceivedMessage,
): Promise<ReceivedMessage> {
  let message = read;
  for (const { plugin, intercept } of attachments) {
    try {
      message = await intercept(message);
      if (typeof message !== 'object' || message === null)
        throw new TypeError('it has to return the message, or another');
    } catch (error) {
      throw pluginFailure(plugin, 'interceptRead', error);
    }
  }
  return message;
}
