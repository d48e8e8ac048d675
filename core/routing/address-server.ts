import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { parseNameServerList } from './name-server-list.js';
import type { NameServerResolver } from './name-server-resolver.js';

export interface AddressServerOptions {
  /** `http://host:port/rocketmq/nsaddr`: answers a GET with the list as text. */
  readonly url: string;
  /** Appended to the address as Apache's TopAddressing does. */
  readonly unitName?: string;
  /** For one GET, body included. Default 3000. */
  readonly timeoutMs?: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** A GET that fails is made again after these pauses, before whoever waits for the first list is told. */
const PAUSES_MS = [100, 300];
/** A list is some hundred bytes; anything much longer is not one. */
const LIST_BYTES_MAX = 65_536;

/**
 * Name servers that an HTTP address server names. The first use asks it; later lists come with `refresh`. A look-up that
 * fails leaves the last good list in force. Matches Apache's TopAddressing.
 */
export function addressServerResolver(options: AddressServerOptions): NameServerResolver {
  const { clock, logger, timeoutMs = 3000 } = options;
  const url = options.unitName === undefined ? options.url : `${options.url}-${options.unitName}?nofix=1`;
  let known: readonly string[] | undefined;
  let asking: Promise<readonly string[]> | undefined;

  const once = async (): Promise<readonly string[]> => {
    const abort = new AbortController();
    const timer = clock.setTimer(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)), {
      ref: true,
    });
    try {
      const response = await (options.fetch ?? fetch)(url, { signal: abort.signal });
      if (!response.ok) {
        await response.body?.cancel();
        throw new Error(`HTTP status ${response.status}`);
      }
      return parseNameServerList(await boundedText(response), 'addressServer');
    } finally {
      timer.cancel();
    }
  };

  const ask = async (): Promise<readonly string[]> => {
    for (let attempt = 0; ; attempt++) {
      try {
        known = await once();
        return known;
      } catch (error) {
        const pauseMs = PAUSES_MS[attempt];
        if (pauseMs === undefined) {
          const why = isRocketMQError(error) || error instanceof Error ? error.message : String(error);
          throw rocketMQError(
            'RMQ_NAME_SERVER_UNREACHABLE',
            `The address server ${url} did not name the name servers: ${why}`,
            { failures: [{ address: url, error }] },
            { cause: error },
          );
        }
        await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve, { ref: true }));
      }
    }
  };

  const shared = (): Promise<readonly string[]> => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };

  return {
    nameServers: () => (known === undefined ? shared() : Promise.resolve(known)),
    refresh: () =>
      shared().then(
        () => undefined,
        (error: unknown) => {
          logger.warn('address server look-up failed, the last good list stays', { url, error });
        },
      ),
  };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > LIST_BYTES_MAX) throw new Error(`more than ${LIST_BYTES_MAX} bytes, which is no list of addresses`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
