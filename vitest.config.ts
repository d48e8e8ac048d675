import { defineConfig } from 'vitest/config';

/** The suite of `npm test`: no Java, no network beyond loopback. `test/interop` has a configuration of its own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/interop/**', 'test/package/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
  },
});
