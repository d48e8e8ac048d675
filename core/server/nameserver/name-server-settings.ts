import { type Token, token } from '../../runtime/token.js';

/** What a name server is told once, when it is made. */
export interface NameServerSettings {
  /** Whether routes carry the order configuration of their topic. Default false, as Apache's. */
  readonly orderMessageEnable: boolean;
}

export const NameServerSettings: Token<NameServerSettings> = token('NameServerSettings');
