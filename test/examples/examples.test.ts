/** Every example runs alone, in an empty folder, to its end; README shows them word for word. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { tempDir } from '../kit/temp-dir.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const run = promisify(execFile);

/** What each example prints, by its number. */
const PRINTS: Record<string, readonly RegExp[]> = {
  '01-hello.mjs': [/^sent [0-9A-F]{32,56} to queue \d$/m, /^received created: order 42$/m],
  '02-typed-topic.mjs': [/^refused before sending: /m, /^order 42 costs 1999 cents$/m],
  '03-interceptor.mjs': [/audit/, /^RMQ_MESSAGE_ILLEGAL: /m, /\{ sent: 1, failed: 1 \}/],
  '04-streams.mjs': [
    /^send {3}SEND_OK$/m,
    /^run {4}stage check$/m,
    /^run {4}done/m,
    /^stream 6 SEND_OK$/m,
    /^all {4}8 SEND_OK$/m,
  ],
  '05-forbidden.mjs': [
    /^news for ada: SEND_OK$/m,
    /^news for bob: forbidden by rule consent$/m,
    /^test for ada: forbidden by rule no-tests-here$/m,
  ],
  '06-namespace.mjs': [
    /^staging: sent to orders, received "an order in staging" from orders$/m,
    /^production: sent to orders, received "an order in production" from orders$/m,
    /^audit: "an order in staging" in staging%orders$/m,
  ],
};

const examples = readdirSync(join(root, 'examples')).filter((name) => /^\d\d-.*\.mjs$/.test(name));

describe('examples', () => {
  test('each has its expectations here', () => {
    expect(Object.keys(PRINTS)).toEqual(examples);
  });

  test.each(examples)('%s', async (name) => {
    const { stdout, stderr } = await run(process.execPath, [join(root, 'examples', name)], {
      cwd: tempDir(),
      timeout: 20_000,
    });
    for (const expected of PRINTS[name] ?? []) expect(stdout).toMatch(expected);
    expect(stderr).toBe('');
  });
});

describe('README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code);

  test('shows an example first, and every JavaScript snippet is an example', () => {
    const sources = examples.map((name) => readFileSync(join(root, 'examples', name), 'utf8'));
    expect(snippets.length).toBeGreaterThan(0);
    expect(snippets[0]).toBe(sources[0]);
    for (const snippet of snippets) expect(sources).toContain(snippet);
  });
});
