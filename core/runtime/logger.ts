import { type Token, token } from './token.js';

/**
 * What the package says besides errors and events. Silent unless one is given: `consoleLogger()`, or `console`, which says
 * everything. `fields` are facts, never secrets. `debug` is for who looks for a fault, `info` for what changed (connections,
 * queues), `warn` for what heals or is tried again, `error` for what somebody has to look at.
 */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const Logger: Token<Logger> = token('Logger');

const nothing = (): void => {};

/** The default: says nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
