import { rocketMQError } from '../errors/rocketmq-error.js';

const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:;,/[\]]+):(\d{1,5})$/;
/** `http://host:port`, as Apache's client accepts it beside `host:port`. */
const SCHEME = /^\w+:\/\//;

/**
 * The addresses of a list of name servers: an array, or Java's text form `host:port;host:port`. Blanks and empty entries
 * are dropped, an address named twice counts once. IPv6 is written `[::1]:9876`.
 * @param option what to name in the error, e.g. `nameServers` or `NAMESRV_ADDR`
 * @throws RMQ_OPTIONS_INVALID for anything that is no `host:port`, and for a list without an address
 */
export function parseNameServerList(list: string | readonly string[], option: string): readonly string[] {
  const entries = typeof list === 'string' ? list.split(/[;,]/) : list;
  const addresses = new Set<string>();
  for (const entry of entries) {
    const address = String(entry).trim().replace(SCHEME, '');
    if (address === '') continue;
    const port = ADDRESS.exec(address)?.[1];
    if (port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw rocketMQError(
        'RMQ_OPTIONS_INVALID',
        `${option}: expected host:port (port 1 to 65535), got ${JSON.stringify(entry)}`,
        { option },
      );
    }
    addresses.add(address);
  }
  if (addresses.size === 0) {
    throw rocketMQError('RMQ_OPTIONS_INVALID', `${option}: names no address; expected host:port[;host:port…]`, {
      option,
    });
  }
  return [...addresses];
}
