import { defineConfig } from 'vitest/config';

/** `npm run test:package`: packs the package and installs it into empty projects, so it needs the npm registry. */
export default defineConfig({
  test: { include: ['test/package/**/*.test.ts'], testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false },
});
