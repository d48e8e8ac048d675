import { Compressor, Compressors } from '../message/compression/compressor.js';
import { heldCompressor } from '../message/compression/held-compressor.js';
import { Clock } from '../runtime/clock.js';
import { partOf, type Resolver } from './part-of.js';

/** What a client reads compressed bodies with: its own compressor before the others. */
export function readingCompressors(resolver: Resolver): readonly Compressor[] {
  const clock = partOf(resolver, Clock);
  const compressors = [partOf(resolver, Compressor), ...partOf(resolver, Compressors)];
  return compressors.map((compressor) => heldCompressor(clock, compressor));
}
