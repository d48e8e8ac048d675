import type { Logger } from './logger.js';
import { watchRejection } from './watch-rejection.js';

/**
 * An application's logger, from which nothing comes back: what it throws, and what it rejects with where it is asynchronous,
 * would end a request, a timer or the process. The first time is a warning of the process.
 */
export function guardedLogger(logger: Logger): Logger {
  let hasFailed = false;
  const failed = (error: unknown): void => {
    if (hasFailed) return;
    hasFailed = true;
    process.emitWarning(`the logger failed, what it was told is lost: ${error instanceof Error ? error.stack : error}`);
  };
  const line =
    (level: keyof Logger): Logger['info'] =>
    (message, fields) => {
      try {
        watchRejection(logger[level](message, fields), failed);
      } catch (error) {
        failed(error);
      }
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
