import { inspect } from 'node:util';
import { Logger as NestLogger } from '@nestjs/common';
import type { Logger } from '../../core/index.js';

/** What the client has to say, in the application's own log. */
export function nestLogger(context = 'RocketMQ'): Logger {
  const logger = new NestLogger(context);
  return {
    debug: (words, fields) => logger.debug(line(words, fields)),
    info: (words, fields) => logger.log(line(words, fields)),
    warn: (words, fields) => logger.warn(line(words, fields)),
    error: (words, fields) => logger.error(line(words, fields)),
  };
}

/** In one text: NestJS takes further arguments for a stack or a context. */
function line(words: string, fields: Readonly<Record<string, unknown>> | undefined): string {
  return fields === undefined
    ? words
    : `${words} ${inspect(fields, { depth: 3, breakLength: Number.POSITIVE_INFINITY })}`;
}
