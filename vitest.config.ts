import { defineConfig } from 'vitest/config';

/**
 * The suite of `npm test`: no Java, no network beyond loopback. `test/chaos`, `test/interop` and `test/package` have
 * configurations of their own.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/chaos/**', 'test/package/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
  },
});
