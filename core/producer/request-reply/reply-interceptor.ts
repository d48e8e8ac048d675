import type { OutgoingMessage, ReceivedMessage } from '../../message/message.js';

/**
 * Sees the reply to a request before its caller does, and hands on this one or another; `request` is the message as the caller
 * gave it, and cannot be changed. What it throws fails the request.
 */
export type ReplyInterceptor = (
  reply: ReceivedMessage,
  request: OutgoingMessage,
) => ReceivedMessage | Promise<ReceivedMessage>;

/** One reply interceptor as the plugin host collects it. */
export interface ReplyAttachment {
  readonly plugin: string;
  readonly intercept: ReplyInterceptor;
}
