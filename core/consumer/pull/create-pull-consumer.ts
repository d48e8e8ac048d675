import { validateGroup } from '../../message/message-rules.js';
import type { LitePullServices } from './lite-pull-consumer.js';
import { PlainPull } from './plain-pull.js';
import type { PullConsumer } from './pull-consumer.js';
import { type PullConsumerOptions, resolvePullOptions } from './pull-options.js';

/**
 * Makes a pull consumer that runs.
 * @throws RMQ_OPTIONS_INVALID, RMQ_PLUGIN_CONFLICT, RMQ_GROUP_DUPLICATE
 */
export async function createPullConsumer(
  options: PullConsumerOptions,
  services: LitePullServices,
): Promise<PullConsumer> {
  const resolved = resolvePullOptions(options);
  validateGroup(options.group);
  const consumer = new PlainPull(options.group, resolved, services);
  await consumer.start(options.signal);
  return consumer;
}
