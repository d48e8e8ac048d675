/**
 * The door `multistage/nestjs`: a module for NestJS 11 and 12.
 * @module
 */
export { RocketMQConsumer, type RocketMQConsumerOptions, Subscribe } from './consumer-metadata.js';
export { InjectProducer, InjectRocketMQ } from './inject.js';
export {
  RocketMQModule,
  type RocketMQModuleAsyncOptions,
  type RocketMQModuleExtras,
  type RocketMQOptionsFactory,
} from './module.js';
export { type NestLoggerOptions, nestLogger } from './nest-logger.js';
export { producerToken, rocketMQOptionsToken, rocketMQToken } from './tokens.js';
