/** A record holds an IP address; a client in this process may have come without one. */
export function recordHostOf(remoteAddress: string): string {
  const first = remoteAddress.charCodeAt(0);
  const isIp = (first >= 0x30 && first <= 0x39) || first === 0x5b;
  return isIp ? remoteAddress : `127.0.0.1${remoteAddress.slice(remoteAddress.lastIndexOf(':'))}`;
}
