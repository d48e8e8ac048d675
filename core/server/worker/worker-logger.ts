import type { Logger } from '../../runtime/logger.js';
import { fromPortableError, isCopyable, isError, toPortableError } from './portable-error.js';
import type { LogLevel, PortableField, WorkerMessage } from './worker-messages.js';

type LogMessage = Extract<WorkerMessage, { type: 'log' }>;

/** A logger inside the worker whose lines are posted to the thread that has the real one. */
export function postingLogger(post: (message: LogMessage) => void): Logger {
  const line =
    (level: LogLevel) =>
    (message: string, fields?: Readonly<Record<string, unknown>>): void => {
      post({ type: 'log', level, message, fields: fields && mapValues(fields, toPortableField) });
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}

/** Hands a line that was posted to the real logger. */
export function logPosted(logger: Logger, { level, message, fields }: LogMessage): void {
  logger[level](message, fields && mapValues(fields, fromPortableField));
}

function toPortableField(value: unknown): PortableField {
  if (isError(value)) return { error: toPortableError(value) };
  return { value: isCopyable(value) ? value : String(value) };
}

function fromPortableField(field: PortableField): unknown {
  return 'error' in field ? fromPortableError(field.error) : field.value;
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
