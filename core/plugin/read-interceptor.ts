import type { ReceivedMessage } from '../message/message.js';
import { runPluginStep, type StepLimit } from './plugin-failure.js';

/** Sees each message that a plugin reads with `host.readMessages`, and hands on this one or another. */
export type ReadInterceptor = (message: ReceivedMessage) => ReceivedMessage | Promise<ReceivedMessage>;

/** One of them as the plugin host collects it. */
export interface ReadAttachment {
  readonly plugin: string;
  readonly intercept: ReadInterceptor;
}

/**
 * What plugins make of a message, in order of registration, each within the time of a plugin's step.
 * @throws RMQ_PLUGIN_FAILED naming the one that failed
 */
export async function readThrough(
  attachments: readonly ReadAttachment[],
  read: ReceivedMessage,
  limit: StepLimit,
): Promise<ReceivedMessage> {
  let message = read;
  for (const { plugin, intercept } of attachments) {
    const given = message;
    message = await runPluginStep(plugin, 'interceptRead', async () => changed(await intercept(given)), limit);
  }
  return message;
}

function changed(message: ReceivedMessage): ReceivedMessage {
  if (typeof message === 'object' && message !== null) return message;
  throw new TypeError('it has to return the message, or another');
}
