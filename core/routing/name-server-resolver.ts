import { rocketMQError } from '../errors/rocketmq-error.js';
import { type Token, token } from '../runtime/token.js';

/** Knows the name servers of this client. Asked before every request to one of them, so an answer is remembered inside. */
export interface NameServerResolver {
  /**
   * The list as it is now, never empty.
   * @throws RMQ_NAME_SERVER_MISSING when nothing names one, RMQ_NAME_SERVER_UNREACHABLE when what names them cannot be asked
   */
  nameServers(): Promise<readonly string[]>;
  /** Looks again, for resolvers whose list can change. Never rejects; what was known stays known. */
  refresh?(): Promise<void>;
}

export const NameServerResolver: Token<NameServerResolver> = token('NameServerResolver');

/** A list that never changes. */
export function fixedNameServers(addresses: readonly string[]): NameServerResolver {
  return { nameServers: () => Promise.resolve(addresses) };
}

/** Nothing names a name server: every request says so. */
export const missingNameServers: NameServerResolver = {
  nameServers: () =>
    Promise.reject(
      rocketMQError(
        'RMQ_NAME_SERVER_MISSING',
        'No name server is known: give connect() `nameServers`, `cluster` or `addressServer`, or set NAMESRV_ADDR',
        {},
      ),
    ),
};
