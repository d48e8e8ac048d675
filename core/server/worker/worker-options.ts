import { isCopyable } from './portable-error.js';

/** These have methods, and would arrive without them. */
const OBJECTS = ['transport', 'clock'] as const;

/** What of a server's options is not a plain value. */
interface OptionsWithObjects {
  readonly transport?: unknown;
  readonly clock?: unknown;
  readonly logger?: unknown;
  readonly store?: string | { readonly files?: unknown };
}

/** The option that cannot go into a worker; undefined when all can. Lines for `logger` come back by message. */
export function optionThatStaysHere(options: OptionsWithObjects): string | undefined {
  const { logger: _, ...others } = options;
  for (const option of OBJECTS) if (options[option] !== undefined) return option;
  if (typeof options.store === 'object' && options.store.files !== undefined) return 'store.files';
  return Object.entries(others).find(([, value]) => !isCopyable(value))?.[0];
}
