import type { ProducerOptions } from './options.js';
import { PipelineProducer } from './pipeline-producer.js';
import type { Producer } from './producer.js';
import type { ProducerServices } from './services.js';

/** A producer as its client sees it. */
export interface StartableProducer extends Producer {
  /**
   * Joins the group and sends a heartbeat; further calls share the first one's end.
   * @throws RMQ_GROUP_DUPLICATE, and RMQ_NOT_RUNNING with the first failure as cause after a failed start
   */
  start(): Promise<void>;
}

/**
 * Makes a producer: validates its options, opens its scope and composes its pipeline. It takes sends once it is started.
 * @throws RMQ_OPTIONS_INVALID, RMQ_PLUGIN_CONFLICT
 */
export function createProducer(options: ProducerOptions, services: ProducerServices): StartableProducer {
  return new PipelineProducer(options, services);
}
