import type { RequestProcessor } from '../../remoting/remoting-server.js';
import { type Token, token } from '../../runtime/token.js';

/** Answers one or more request codes. The broker collects every one that is bound under the token. */
export interface BrokerProcessor {
  /** By request code. */
  readonly handlers: Readonly<Record<number, RequestProcessor>>;
}

export const BrokerProcessor: Token<BrokerProcessor> = token('BrokerProcessor');
