import type { Clock } from '../../runtime/clock.js';
import { isBytes } from '../../runtime/is-bytes.js';
import type { Compressor } from './compressor.js';

/** The same compressor; while it loads, or works on a body in another thread, a clock that is moved by hand stands still. */
export function heldCompressor(clock: Clock, compressor: Compressor): Compressor {
  if (clock.holdFor === undefined) return compressor;
  const held = <T extends Promise<unknown>>(work: T): T => {
    clock.holdFor?.(work);
    return work;
  };
  const heldBody = (body: Buffer | Promise<Buffer>) => (isBytes(body) ? body : held(body));
  return {
    type: compressor.type,
    sysFlagBits: compressor.sysFlagBits,
    ...(compressor.load !== undefined && { load: () => held(compressor.load!()) }),
    compress: (body, level) => heldBody(compressor.compress(body, level)),
    decompress: (body, sizeBytesMax) => heldBody(compressor.decompress(body, sizeBytesMax)),
  };
}
