import type { ServerConnection } from '../../remoting/remoting-server.js';
import { type Token, token } from '../../runtime/token.js';

/** Work that a broker does beside answering requests. The broker collects every one that is bound under the token. */
export interface BrokerService {
  /** Reads what it kept. Before the first request, all services side by side. */
  load?(): Promise<void>;
  /** Begins its periodic work. Once the broker serves. */
  start?(): void;
  /** A client's connection is gone. */
  forget?(connection: ServerConnection): void;
  /** Ends its work and saves what it keeps, with the store still open. After the last request, in reverse order. */
  close?(): Promise<void>;
}

export const BrokerService: Token<BrokerService> = token('BrokerService');
