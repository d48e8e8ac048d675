const HELD_BY = Symbol('multistage.heldBy');

/** Notes on a promise which plugin it waits for. */
export function holdBy(promise: Promise<unknown>, plugin: string): void {
  (promise as { [HELD_BY]?: string })[HELD_BY] = plugin;
}

/** The plugin that a promise waits for; undefined where it is nobody's. */
export function heldBy(promise: Promise<unknown>): string | undefined {
  return (promise as { [HELD_BY]?: string })[HELD_BY];
}
