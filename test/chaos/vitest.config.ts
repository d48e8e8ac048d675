import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/**
 * The suite of `npm run test:chaos`: servers in processes of their own, killed with SIGKILL and started again one after
 * the other under a steady load. Ours run what `npm run build` made; Apache's need what `npm run test:interop` needs.
 */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/chaos/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
});
