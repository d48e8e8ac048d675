import { rocketMQError } from '../../errors/rocketmq-error.js';
import { DELIVERY_CHECKS } from './delivery-checks.js';
import { HOOK_CHECKS } from './hook-checks.js';
import { LIFE_CHECKS } from './life-checks.js';
import {
  type ConformanceCheck,
  type ConformanceOptions,
  type MakePlugin,
  requireConformanceOptions,
} from './options.js';
import { SEND_CHECKS } from './send-checks.js';
import { tryPlugin } from './trial.js';

/**
 * The rules of the plugin contract as checks for any test runner. Each runs the plugin in a client of its own on a server in
 * memory, and says by an AssertionError what it did wrong.
 * @param make a fresh plugin at every call
 * @throws RMQ_OPTIONS_INVALID
 * @example for (const check of pluginConformance(() => audit())) it(check.name, check.run);
 */
export function pluginConformance(make: MakePlugin, options: ConformanceOptions = {}): readonly ConformanceCheck[] {
  if (typeof make !== 'function') {
    const words = 'pluginConformance takes a function that makes a fresh plugin at every call';
    throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'make' });
  }
  requireConformanceOptions(options);
  const changes = new Set(options.changes);
  return Object.entries({ ...SEND_CHECKS, ...DELIVERY_CHECKS, ...HOOK_CHECKS, ...LIFE_CHECKS }).map(
    ([name, check]): ConformanceCheck => ({
      name,
      run: () => tryPlugin(make, options, (trial) => check(trial, changes)),
    }),
  );
}
