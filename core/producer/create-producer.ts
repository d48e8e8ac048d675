import type { ProducerOptions } from './options.js';
import { PipelineProducer } from './pipeline-producer.js';
import type { ProducerServices } from './services.js';
import type { StartableProducer } from './startable-producer.js';

/**
 * Makes a producer: validates its options, opens its scope and composes its pipeline. It takes sends once it is started.
 * @throws RMQ_OPTIONS_INVALID, RMQ_PLUGIN_CONFLICT
 */
export function createProducer(options: ProducerOptions, services: ProducerServices): StartableProducer {
  return new PipelineProducer(options, services);
}
