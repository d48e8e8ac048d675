import { encodeHost } from '../../../message/host.js';
import type { Logger } from '../../../runtime/logger.js';

const REMEMBERED_MAX = 1024;

/** Hosts as records carry them, each encoded once as long as they are not very many. */
export class HostBytes {
  readonly #logger: Logger;
  readonly #known = new Map<string, Buffer>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Undefined for what is no address with a port. */
  of(host: string): Buffer | undefined {
    const known = this.#known.get(host);
    if (known !== undefined) return known;
    if (this.#known.size >= REMEMBERED_MAX) this.#known.clear();
    try {
      const bytes = encodeHost(host);
      this.#known.set(host, bytes);
      return bytes;
    } catch (error) {
      this.#logger.error('a message was refused: its host is no address', { host, error });
      return undefined;
    }
  }
}
