import type { OutgoingMessage, ReceivedMessage } from '../../message/message.js';
import type { WritesBodies } from '../../message/typed-topic.js';
import type { SendResult } from '../../pipeline/send-result.js';
import type { OptionNames } from '../../runtime/known-options.js';
import { type Token, token } from '../../runtime/token.js';

/** What a reply may have beside its body. */
export interface ReplyOptions extends Pick<OutgoingMessage, 'tag' | 'keys' | 'properties' | 'flag'> {
  /** Default 3,000. */
  readonly timeoutMs?: number;
  /** Cancels the reply: RMQ_SEND_ABORTED. */
  readonly signal?: AbortSignal;
}

/** The same for a reply that is a value. */
export interface TypedReplyOptions<V> extends ReplyOptions {
  /** How the value is written: a codec such as `json<Quote>()`, or a Standard Schema that it has to satisfy. */
  readonly as: WritesBodies<V>;
}

export const REPLY: OptionNames = {
  of: 'a reply',
  names: new Set<keyof TypedReplyOptions<unknown>>(['as', 'tag', 'keys', 'properties', 'flag', 'timeoutMs', 'signal']),
};

/** Sends replies to requests that were consumed; one for all consumers of a client. */
export interface ReplySender {
  /** @throws as `ConsumedMessage.reply`, by its promise */
  send(request: ReceivedMessage, body: Uint8Array | string, options: ReplyOptions): Promise<SendResult>;
}

export const ReplySender: Token<ReplySender> = token('ReplySender');
