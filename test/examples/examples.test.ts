/** Every example runs alone, in an empty folder, to its end; README and guides show them word for word. */
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
  '07-at-least-once.mjs': [
    /^order 42 shipped, attempt 0\norder 41 shipped, attempt 1\ndead: ship order 40, sent to shipments$/m,
  ],
  '08-ordering.mjs': [/^paid is at 1 of queue \d$/m, /^created, paid, shipped$/m],
  '09-batches.mjs': [/^500 results, the last SEND_OK$/m, /^500 sends, each with its own result: 500 ids$/m],
  '10-plugin.mjs': [
    /^attempt 1 at broker-a: SEND_OK\nRMQ_SEND_FORBIDDEN: rations has used up its 1 messages\nleft: 0$/m,
    /^stopped after 1 deliveries$/m,
  ],
  '11-test-kit.mjs': [/^created 42: 1999 cents\nRMQ_BROKER_ERROR: not today\n2 orders\n$/],
  '12-test-time.mjs': [
    /^09:00:00 order 42, call 1\n09:00:\d\d order 42, call 2\n09:01:00 (0,)*0 behind$/m,
    /^09:01:03 RMQ_SEND_TIMEOUT, 2 orders stored$/m,
  ],
  '13-plugin-conformance.mjs': [
    /^ok {3}calls next once for each pass$/m,
    /^FAIL leaves no timer behind: timers on host.clock/m,
  ],
  '14-delays.mjs': [/^in a second after \d s$/m, /^at an instant after \d s$/m],
  '15-trace-collector.mjs': [/^Pub shop true ([0-9A-F]{32,56})\nSubBefore billing - \1\nSubAfter billing true \1$/m],
  '16-transaction.mjs': [
    // On a machine that is slow the broker asks about the first two as well, and more than once.
    /^20: commit$[\s\S]*^5000: rollback$[\s\S]*^3: unknown$/m,
    /^shipped: an order of 20$/m,
    /^check \d+: paid$/m,
    /^shipped: an order of 3$/m,
  ],
  '17-request-reply.mjs': [/^ACME costs 1999 cents\nGLOBEX costs 4200 cents\nno reply within 500 ms$/m],
  '18-encryption.mjs': [/^inside: "paid ada: 4200"\noutside: 37 bytes, "ada" in them: false$/m],
  '19-audit-log.mjs': [
    /^shop: send orders: SEND_OK\nshop: send not a topic: RMQ_MESSAGE_ILLEGAL\nbilling: deliver orders: ack$/m,
  ],
  '20-canary.mjs': [
    /^ada: orders_canary\nbob: orders_canary\ncy: orders\nbulk: queue 3 of 4\n\{ canary: 2, bulk: 1 \}$/m,
  ],
  '21-iterate.mjs': [/^sum 21, the consumer is shut down\n6 stored\n21 watts, 1 alarm\n$/],
  '22-trace.mjs': [
    /^[0-9A-F]{32,56} of traced-orders, keys 42, 20\S+Z\n├─ \+0 ms sent by shop at 127/m,
    /^[├│└─ ]+billing\n[^\n]* EXCEPTION after \d+ ms\n[^\n]*, retry 1: SUCCESS after \d+ ms$/m,
    /^[├└]─ audit\n[^\n]*: SUCCESS after \d+ ms$/m,
  ],
  '23-admin.mjs': [
    /^4 queues$/m,
    /^order 42 is at 0 of queue (\d)\norder 43 is at 0 of queue (?!\1)\d$/m,
    /^keys 42 and ada, stored now$/m,
    /^its queue holds 0 to 0; an hour ago it was at 0$/m,
    /^RMQ_MESSAGE_NOT_FOUND: an id of nobody\nmade again it holds 0 messages$/m,
  ],
  '24-pull.mjs': [/^total 78\nthe oldest lies at 0\nFOUND: 3 from 0\nNO_NEW_MSG: 0 from 3\n$/],
  '25-pop.mjs': [/^small, small, small, large, broken\npopped from all queues of broker-a: -1\n$/],
  '26-health.mjs': [
    /^200 \{"verdict":"healthy","reasons":\[\]\}\nbilling is healthy, up to date\nbooks is healthy, behind, polled 0 minutes ago\n$/,
  ],
};

const examples = readdirSync(join(root, 'examples')).filter((name) => /^\d\d-.*\.mjs$/.test(name));

describe('examples', () => {
  test('each has its expectations here', () => {
    expect(Object.keys(PRINTS)).toEqual(examples);
  });

  // Beside one another: most of their time they wait, for a delay or for a message that comes again.
  test.concurrent.for(examples)('%s', async (name, { expect, onTestFinished }) => {
    const { stdout, stderr } = await run(process.execPath, [join(root, 'examples', name)], {
      cwd: tempDir('multistage-example-', onTestFinished),
      timeout: 100_000,
    });
    for (const expected of PRINTS[name] ?? []) expect(stdout).toMatch(expected);
    expect(stderr).toBe('');
  });
});

/** Guides with programs that need more than an empty folder have tests of their own in test/docs. */
const OF_THEIR_OWN = ['tls.md', 'embedding.md', 'nestjs.md'];

const guides = readdirSync(join(root, 'docs/guide')).filter((name) => !OF_THEIR_OWN.includes(name));
const sources = examples.map((name) => readFileSync(join(root, 'examples', name), 'utf8'));

function snippetsOf(path: string): readonly string[] {
  return [...readFileSync(join(root, path), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
    ([, code]) => code as string,
  );
}

describe('what documents show', () => {
  test('README begins with the first example', () => {
    expect(snippetsOf('README.md')[0]).toBe(sources[0]);
  });

  test.each(['README.md', ...guides.map((name) => `docs/guide/${name}`)])('%s shows examples only', (path) => {
    const snippets = snippetsOf(path);
    expect(snippets.length).toBeGreaterThan(0);
    for (const snippet of snippets) expect(sources).toContain(snippet);
  });
});
