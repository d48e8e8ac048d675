/** Where something listens. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port`, `ip:port` and `[ipv6]:port`; undefined when it is none of them. */
export function parseAddress(address: string): HostAndPort | undefined {
  const colon = address.lastIndexOf(':');
  if (colon < 1) return undefined;
  const portText = address.slice(colon + 1);
  if (!/^\d{1,5}$/.test(portText)) return undefined;
  const port = Number(portText);
  if (port > 65_535) return undefined;
  let host = address.slice(0, colon);
  if (host.startsWith('[') && host.endsWith(']')) host = host.slice(1, -1);
  else if (host.includes(':')) return undefined;
  return host === '' || /[\s/]/.test(host) ? undefined : { host, port };
}

/** Writes `host:port`; an IPv6 host in brackets, an IPv4 host that Node gives as mapped IPv6 as what it is. */
export function formatAddress(host: string | undefined, port: number | undefined): string {
  const known = host ?? '';
  const plain = known.startsWith('::ffff:') && known.includes('.') ? known.slice('::ffff:'.length) : known;
  return plain.includes(':') ? `[${plain}]:${port ?? 0}` : `${plain}:${port ?? 0}`;
}
