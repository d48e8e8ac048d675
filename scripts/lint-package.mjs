/**
 * publint in strict mode, less one opinion of it: that Node ignores `imports` in a nested package.json. Node asks the
 * nearest package.json above the importing file, and below dist/esm and dist/cjs that is the nested one, which names the
 * worker's file of its format. `npm run test:package` starts a worker from the packed package in both formats.
 */
import { readFileSync } from 'node:fs';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const { messages } = await publint({ strict: true });
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const wrong = messages
  .map((message) => formatMessage(message, manifest, { color: false }))
  .filter((text) => !/^\S*dist\/(?:esm|cjs)\/package\.json has an "imports" field/.test(text));
for (const text of wrong) console.error(text);
if (wrong.length > 0) process.exitCode = 1;
