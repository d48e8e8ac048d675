#!/usr/bin/env node
/**
 * The command. In the package it starts what was built; in a checkout it brings the build up to date first (several
 * commands may start at once: the build takes care of that).
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const builder = new URL('../scripts/build.mjs', import.meta.url);
if (existsSync(fileURLToPath(builder))) {
  const { build } = await import(builder.href);
  try {
    await build();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
const { main } = await import(new URL('../dist/esm/cli/main.js', import.meta.url).href);
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
process.exitCode = await main(process.argv.slice(2), version);
