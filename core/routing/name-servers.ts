import { ERROR_CODES } from '../errors/codes.js';
import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import { heldBy } from '../runtime/held-by.js';
import type { Logger } from '../runtime/logger.js';
import type { NameServerResolver } from './name-server-resolver.js';

export interface NameServersOptions {
  readonly resolver: NameServerResolver;
  readonly remoting: Pick<RemotingClient, 'invoke'>;
  readonly logger: Logger;
  /** For one request to one name server, connecting included. */
  readonly timeoutMs: number;
  /** 0 up to but not 1: which name server comes first. */
  readonly random: () => number;
}

/** An answer and who gave it. */
export interface NameServerAnswer<T> {
  readonly address: string;
  readonly value: T;
}

/**
 * Asks one name server of the list: a random one at first, the same as long as it answers, the next when it does not. Tells
 * all of them what each has to know.
 */
export class NameServers {
  readonly #options: NameServersOptions;
  #chosen: string | undefined;
  /** The list, as long as it is waited for. */
  #naming: Promise<readonly string[]> | undefined;

  constructor(options: NameServersOptions) {
    this.#options = options;
  }

  /** The one that answered last; undefined before any did. */
  get chosen(): string | undefined {
    return this.#chosen;
  }

  /**
   * Goes through the list until `read` understands an answer; what it throws (busy, not ready, a body nobody can read) is
   * that name server's failure, as a lost connection is.
   * @throws RMQ_NAME_SERVER_MISSING, RMQ_NAME_SERVER_UNREACHABLE with each one's failure
   */
  async ask<T>(
    request: OutgoingCommand,
    read: (response: RemotingCommand, address: string) => T,
  ): Promise<NameServerAnswer<T>> {
    const addresses = await this.#addresses();
    const first = this.#firstOf(addresses);
    const failures: { readonly address: string; readonly error: unknown }[] = [];
    for (let step = 0; step < addresses.length; step++) {
      const address = addresses[(first + step) % addresses.length]!;
      try {
        const value = read(await this.#invoke(address, request), address);
        this.#chosen = address;
        return { address, value };
      } catch (error) {
        failures.push({ address, error });
        this.#options.logger.warn('name server could not be asked', { address, error });
      }
    }
    throw rocketMQError(
      'RMQ_NAME_SERVER_UNREACHABLE',
      `None of ${addresses.length} name server(s) could be asked: ${failures.map(describeFailure).join('; ')}`,
      { failures },
      { cause: failures[0]?.error, ...commonHint(failures.map(({ error }) => error)) },
    );
  }

  /**
   * Sends the request to every name server of the list, side by side: none of them tells the others. What `check` throws is
   * that name server's failure.
   * @throws RMQ_NAME_SERVER_MISSING, RMQ_NAME_SERVER_UNREACHABLE with the failure of each that did not take it
   */
  async tellAll(request: OutgoingCommand, check: (response: RemotingCommand, address: string) => void): Promise<void> {
    const addresses = await this.#addresses();
    const failures: { readonly address: string; readonly error: unknown }[] = [];
    const tell = async (address: string): Promise<void> => {
      try {
        check(await this.#invoke(address, request), address);
      } catch (error) {
        failures.push({ address, error });
      }
    };
    await Promise.all(addresses.map(tell));
    if (failures.length === 0) return;
    throw rocketMQError(
      'RMQ_NAME_SERVER_UNREACHABLE',
      `${failures.length} of ${addresses.length} name server(s) could not be told: ${failures.map(describeFailure).join('; ')}`,
      { failures },
      { cause: failures[0]?.error, ...commonHint(failures.map(({ error }) => error)) },
    );
  }

  /** The plugin that was asked for the list and has not given it yet. */
  get heldBy(): string | undefined {
    return this.#naming && heldBy(this.#naming);
  }

  async #addresses(): Promise<readonly string[]> {
    const naming = this.#options.resolver.nameServers();
    this.#naming = naming;
    try {
      return await naming;
    } finally {
      if (this.#naming === naming) this.#naming = undefined;
    }
  }

  #invoke(address: string, request: OutgoingCommand): Promise<RemotingCommand> {
    return this.#options.remoting.invoke(address, request, { timeoutMs: this.#options.timeoutMs });
  }

  #firstOf(addresses: readonly string[]): number {
    const sticky = this.#chosen === undefined ? -1 : addresses.indexOf(this.#chosen);
    return sticky >= 0 ? sticky : Math.floor(this.#options.random() * addresses.length);
  }
}

/** What to do, when every name server failed in a way that has the same remedy: a wrong port, TLS at one side. */
function commonHint(errors: readonly unknown[]): { readonly hint?: string } {
  const hints = new Set(errors.map((error) => (isRocketMQError(error) && hasOwnHint(error) ? error.hint : undefined)));
  const [hint] = hints;
  return hints.size === 1 && hint !== undefined ? { hint } : {};
}

function hasOwnHint({ code, hint }: RocketMQError): boolean {
  return hint !== ERROR_CODES[code].remedy;
}

function describeFailure({ address, error }: { readonly address: string; readonly error: unknown }): string {
  const why = error instanceof Error ? error.message : String(error);
  return isRocketMQError(error) ? `${address} (${error.code}: ${why})` : `${address} (${why})`;
}
