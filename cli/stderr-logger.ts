import type { Logger } from '../core/index.js';

/** Warnings and errors as lines on stderr; the rest is for those who pass a logger of their own. */
export const stderrLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, fields) => write('warn', message, fields),
  error: (message, fields) => write('error', message, fields),
};

function write(level: string, message: string, fields: Readonly<Record<string, unknown>> | undefined): void {
  const facts = Object.entries(fields ?? {})
    .map(([name, value]) => ` ${name}=${value instanceof Error ? value.message : String(value)}`)
    .join('');
  process.stderr.write(`${level}: ${message}${facts}\n`);
}
