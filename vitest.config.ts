import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The histories of faults are the longest tests, and go through so much memory that a worker which has all modules and the
 * leavings of other tests in its heap takes four times as long for them: they come first.
 */
class HistoriesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const [histories, others] = [sorted.filter(isHistories), sorted.filter((file) => !isHistories(file))];
    return [...histories, ...others];
  }
}

function isHistories({ moduleId }: TestSpecification): boolean {
  return moduleId.includes('/test/fault/');
}

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
    sequence: { sequencer: HistoriesFirst },
    // For tests that say so: they run programs that mostly wait.
    maxConcurrency: 3,
  },
});
