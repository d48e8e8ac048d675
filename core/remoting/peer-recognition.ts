/** Enough of the first bytes to tell the usual strangers apart. */
export const RECOGNITION_BYTES = 9;

const HTTP_METHODS = /^(GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|CONNECT|TRACE) /;

/**
 * Says what the first bytes of a connection look like when they belong to a protocol that people point at our ports, or
 * us at theirs, by mistake; undefined when they may be ours. No frame of ours begins like one of these: read as a length
 * their first four bytes exceed the largest frame, or the header is empty.
 */
export function recognisePeer(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  if (text.startsWith('HTTP/')) return 'an HTTP response';
  if (text.startsWith('PRI * HTTP')) return 'the preface of HTTP/2, as gRPC clients send it';
  if (HTTP_METHODS.test(text)) return 'an HTTP request';
  if (text.startsWith('SSH-')) return 'an SSH server';
  if (bytes.length < 3) return undefined;
  if (bytes[1] === 3 && bytes[2]! <= 4) {
    if (bytes[0] === 0x15) return 'a TLS alert: the other side expects TLS';
    if (bytes[0] === 0x16) return 'a TLS handshake: the other side speaks TLS';
  }
  // A SETTINGS frame on stream 0: u24 length, type 4, flags, stream. As a frame of ours its header would be empty.
  if (bytes.length >= 9 && bytes[0] === 0 && bytes[3] === 4 && bytes[4]! <= 1 && isZero(bytes, 5, 9)) {
    return 'HTTP/2 settings, as gRPC servers send them';
  }
  return undefined;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (bytes[index] !== 0) return false;
  return true;
}
