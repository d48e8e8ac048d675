import { onTestFinished } from 'vitest';

/** Closes `thing` when the running test has finished, and hands it back. */
export function closeAfterTest<T extends { close(): unknown }>(thing: T): T {
  onTestFinished(async () => {
    await thing.close();
  });
  return thing;
}
