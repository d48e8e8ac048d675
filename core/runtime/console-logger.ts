import { rocketMQError } from '../errors/rocketmq-error.js';
import { type OptionNames, requireKnown } from './known-options.js';
import type { Logger } from './logger.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** For `consoleLogger`. */
export interface ConsoleLoggerOptions {
  /** From where on it speaks. Default `warn`; at `info` it tells of connections and queues too. */
  readonly level?: (typeof LEVELS)[number];
}

const OPTIONS: OptionNames = { of: 'consoleLogger', names: new Set(['level']) };

/**
 * A logger that writes to the console, each line with its level. `console` itself is a logger too: one that says everything.
 * @throws RMQ_OPTIONS_INVALID
 * @example const mq = await connect({ nameServers, logger: consoleLogger() });
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  requireKnown(options, OPTIONS);
  const { level = 'warn' } = options;
  if (!LEVELS.includes(level)) {
    const words = `level of consoleLogger has to be one of ${LEVELS.join(', ')}, not ${String(level)}`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'level' });
  }
  const least = LEVELS.indexOf(level);
  const to = (name: (typeof LEVELS)[number]): Logger['info'] => {
    if (LEVELS.indexOf(name) < least) return () => {};
    return (message, fields) => console[name](`${name}: ${message}`, ...(fields === undefined ? [] : [fields]));
  };
  return { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') };
}
