import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';

/**
 * What a plugin attaches to one producer or consumer, made by its `create`; undefined where it leaves that one alone.
 * @param what for the error: `an interceptor of sends`
 * @throws RMQ_PLUGIN_FAILED with the plugin's name, for what `create` throws and for what is no function
 */
export function createdBy<F>(plugin: string, what: string, create: () => F | undefined): F | undefined {
  let made: F | undefined;
  try {
    made = create();
  } catch (error) {
    if (isRocketMQError(error, 'RMQ_PLUGIN_FAILED')) throw error;
    const words = error instanceof Error ? error.message : String(error);
    throw failed(plugin, `plugin ${plugin} failed to make ${what}: ${words}`, error);
  }
  if (made === undefined || typeof made === 'function') return made;
  throw failed(plugin, `create of plugin ${plugin} has to return ${what}, a function, or undefined`);
}

function failed(plugin: string, message: string, cause?: unknown): Error {
  return rocketMQError('RMQ_PLUGIN_FAILED', message, { plugin }, { cause });
}
