import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * A fresh directory that is removed when the running test has finished, whatever its outcome. Tests that run beside one
 * another say which by the `onTestFinished` of their context.
 */
export function tempDir(prefix = 'multistage-', finished: (remove: () => void) => void = onTestFinished): string {
  const dir = mkdtempSync(join(tmpdir(), prefix));
  finished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  return dir;
}
