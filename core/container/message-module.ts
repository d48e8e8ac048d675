import { ContainerModule } from 'inversify';
import { builtInCompressors } from '../message/compression/built-in.js';
import { Compressor, Compressors } from '../message/compression/compressor.js';
import { zlibCompressor } from '../message/compression/zlib.js';
import { createUniqueIdGenerator, UniqueIdGenerator } from '../message/message-ids.js';
import { plainResourceNames, ResourceNames } from '../message/resource-names.js';
import { Clock } from '../runtime/clock.js';
import { partOf } from './part-of.js';

export const messageModule = new ContainerModule(({ bind }) => {
  bind<ResourceNames>(ResourceNames).toConstantValue(plainResourceNames);
  bind<Compressor>(Compressor).toConstantValue(zlibCompressor);
  bind<typeof builtInCompressors>(Compressors).toConstantValue(builtInCompressors);
  bind<UniqueIdGenerator>(UniqueIdGenerator)
    .toDynamicValue((context) => createUniqueIdGenerator(partOf(context, Clock)))
    .inSingletonScope();
});
