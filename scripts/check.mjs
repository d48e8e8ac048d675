/** Everything static, in order: format and lint, types, then the built package as others will see it. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const steps = [
  ['biome', 'ci', '.'],
  ['tsc', '--noEmit', '-p', 'tsconfig.json'],
  ['node', 'scripts/build.mjs'],
  ['node', 'scripts/lint-package.mjs'],
  // `import` and `require` have types of their own; node10 resolution is older than the engines we support.
  ['attw', '--pack', '.', '--profile', 'node16'],
];

for (const [command, ...args] of steps) {
  const line = [command, ...args].join(' ');
  console.log(`> ${line}`);
  const run = command === 'node' ? [process.execPath, args] : ['npx', ['--no-install', command, ...args]];
  const { status } = spawnSync(run[0], run[1], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`failed: ${line}`);
    process.exit(1);
  }
}
