import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * The suite of `npm run test:interop`: our client and server against Apache RocketMQ 4.9.7 and 5.5.0. Needs JDK 17 and
 * Maven; see kit/toolchain.ts for what happens where they are missing. One name server and broker 4.9.7 serve all files,
 * which run one after the other: two cores are enough. 5.5.0 runs only while a file needs it. Within a file, what waits
 * most of the time runs side by side, a few at a time: Java's clients and tools give up after 3 to 5 seconds. No time limit
 * says how fast anything has to be: each only ends what hangs, on a slow machine that is busy too.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/global-setup.ts'],
    fileParallelism: false,
    maxConcurrency: 3,
    testTimeout: 400_000,
    hookTimeout: 400_000,
    teardownTimeout: 120_000,
  },
});
