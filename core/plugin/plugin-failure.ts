import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';

/** What a plugin threw, under its name. Conflicts, and failures that carry a plugin's name already, stay as they are. */
export function pluginFailure(plugin: string, phase: string, error: unknown): Error {
  if (isRocketMQError(error, 'RMQ_PLUGIN_CONFLICT') || isRocketMQError(error, 'RMQ_PLUGIN_FAILED')) return error;
  const why = error instanceof Error ? error.message : String(error);
  return rocketMQError(
    'RMQ_PLUGIN_FAILED',
    `Plugin ${plugin} failed in ${phase}: ${why}`,
    { plugin },
    { cause: error },
  );
}

/** How long a step of a plugin may take, and by which clock. */
export interface StepLimit {
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * Runs one step of a plugin; what it throws, and a step that does not end in time, carry its name.
 * @throws RMQ_PLUGIN_FAILED, RMQ_PLUGIN_CONFLICT
 */
export async function runPluginStep<T>(
  plugin: string,
  phase: string,
  step: () => T | Promise<T>,
  limit: StepLimit,
): Promise<T> {
  try {
    return await endsWithin((async () => step())(), limit);
  } catch (error) {
    throw pluginFailure(plugin, phase, error);
  }
}

/** As `work` ends, or an error when it has not ended in time. */
export async function endsWithin<T>(work: PromiseLike<T>, { clock, timeoutMs }: StepLimit): Promise<T> {
  let cancel = (): void => {};
  const tooLong = new Promise<never>((_, reject) => {
    const late = (): void => reject(new Error(`it did not end within ${timeoutMs} ms`));
    const timer = clock.setTimer(timeoutMs, late, { ref: true });
    cancel = () => timer.cancel();
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    cancel();
  }
}
