import { inspect } from 'node:util';
import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '../../core/index.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** How a client speaks in the application's log. */
export interface NestLoggerOptions {
  /** What the application's log names it by. Default `RocketMQ`. */
  readonly context?: string;
  /** From where on it speaks. Default `warn`; at `info` it tells of connections and queues. */
  readonly level?: (typeof LEVELS)[number];
}

/**
 * What a client has to say, in the application's own log. Without an option `logger` the module takes this.
 * @example RocketMQModule.forRoot({ nameServers, logger: nestLogger({ level: 'info' }) })
 */
export function nestLogger({ context = 'RocketMQ', level = 'warn' }: NestLoggerOptions = {}): Logger {
  const logger = new NestLogger(context);
  const least = LEVELS.indexOf(level);
  const from = (own: (typeof LEVELS)[number], write: (text: string) => void): Logger['warn'] =>
    LEVELS.indexOf(own) < least ? () => {} : (words, fields) => write(line(words, fields));
  return {
    debug: from('debug', (text) => logger.debug(text)),
    info: from('info', (text) => logger.log(text)),
    warn: from('warn', (text) => logger.warn(text)),
    error: from('error', (text) => logger.error(text)),
  };
}

/** In one text: NestJS takes further arguments for a stack or a context. */
function line(words: string, fields: Readonly<Record<string, unknown>> | undefined): string {
  if (fields === undefined) return words;
  return `${words} ${inspect(fields, { depth: 3, breakLength: Number.POSITIVE_INFINITY })}`;
}
