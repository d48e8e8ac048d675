import { defineConfig } from 'vitest/config';

/**
 * The suite of `npm test`: no Java, no network beyond loopback. `test/chaos`, `test/interop` and `test/package` have
 * configurations of their own.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/chaos/**', 'test/package/**'],
    // Watchdogs, for machines that are slow and busy: a test that passes waits for none of them.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
    maxWorkers: 2,
    // Our modules keep no state that test files could share, so that each is loaded once per worker and not once per file:
    // a third of the time. The same holds for tests: what they change of the process they put back.
    isolate: false,
    // For tests that say so: they run programs that mostly wait.
    maxConcurrency: 3,
  },
});
