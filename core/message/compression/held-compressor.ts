import type { Clock } from '../../runtime/clock.js';
import { isBytes } from '../../runtime/is-bytes.js';
import type { Compressor } from './compressor.js';

/** The same compressor; while it works on a body in another thread, a clock that is moved by hand stands still. */
export function heldCompressor(clock: Clock, compressor: Compressor): Compressor {
  if (clock.holdFor === undefined) return compressor;
  const held = (body: Buffer | Promise<Buffer>): Buffer | Promise<Buffer> => {
    if (!isBytes(body)) clock.holdFor?.(body);
    return body;
  };
  return {
    type: compressor.type,
    sysFlagBits: compressor.sysFlagBits,
    compress: (body, level) => held(compressor.compress(body, level)),
    decompress: (body, sizeBytesMax) => held(compressor.decompress(body, sizeBytesMax)),
  };
}
