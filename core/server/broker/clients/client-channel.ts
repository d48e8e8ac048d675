import type { ServerConnection } from '../../../remoting/remoting-server.js';

/** A client that a connection belongs to. Matches Apache's ClientChannelInfo. */
export interface ClientChannel {
  readonly connection: ServerConnection;
  readonly clientId: string;
  /** A code of LanguageCode, -1 when not known. */
  readonly language: number;
  readonly version: number;
  /** Monotonic: a clock that is set must not make everybody silent. */
  lastHeardMs: number;
}

/** A client that sent no heartbeat for this long is forgotten and its connection closed. */
export const CLIENT_EXPIRY_MS = 120_000;
