/** The program of docs/guide/embedding.md does what it says, and names options that exist, with their defaults. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { resolveStoreOptions } from '../../core/server/store/store-options.js';
import { root } from '../cli/run-cli.js';
import { tempDir } from '../kit/temp-dir.js';

const guide = readFileSync(join(root, 'docs/guide/embedding.md'), 'utf8');
const door = (path: string): string => pathToFileURL(join(root, 'dist/esm', path)).href;

test('the program sends its message, leaves the directory behind, and ends by itself', async () => {
  const [, program] = /```js\n([\s\S]*?)```/.exec(guide)!;
  const dir = tempDir();
  const source = program!
    .replace("'multistage'", `'${door('core/index.js')}'`)
    .replace("'multistage/server'", `'${door('core/server/index.js')}'`);
  writeFileSync(join(dir, 'guide.mjs'), source);
  const { stdout } = await promisify(execFile)(process.execPath, ['guide.mjs'], { cwd: dir });
  expect(stdout).toBe('SEND_OK\n');
  expect(existsSync(join(dir, 'data/commitlog/00000000000000000000'))).toBe(true);
  expect(existsSync(join(dir, 'data/abort'))).toBe(false);
});

test('the defaults of retention are those of the options', () => {
  const { deleteWhen, fileReservedTimeHours, diskMaxUsedSpaceRatio, ...ratios } = resolveStoreOptions({});
  const table = guide.split('| when |')[1]!.split('\n\n')[0]!;
  for (const words of [
    `\`deleteWhen\`, \`${deleteWhen}\``,
    `\`fileReservedTimeHours\`, ${fileReservedTimeHours}`,
    `\`diskMaxUsedSpaceRatio\`, ${diskMaxUsedSpaceRatio * 100} %`,
    `\`diskSpaceCleanForciblyRatio\`, ${ratios.diskSpaceCleanForciblyRatio * 100} %`,
    `\`diskSpaceWarningLevelRatio\`, ${ratios.diskSpaceWarningLevelRatio * 100} %`,
  ]) {
    expect(table).toContain(words);
  }
});
