/** Whoever asks the machine for the time instead of the Clock cannot be moved by a test, and stands still in none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/run-cli.js';

const ASKS_THE_MACHINE =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\b.*\bnow\b|\bhrtime\b|\b(?:setTimeout|setInterval)\b\s*[(,]/;

/** Who may, and why. */
const MAY: Record<string, string> = {
  'core/runtime/system-clock.ts': 'it is the clock of the machine',
  'core/remoting/tcp-transport.ts': 'a socket of the machine connects in its time',
  'core/remoting/tcp-wire.ts': 'a socket of the machine ends in its time',
  'core/remoting/tls/tls-acceptor.ts': 'a socket of the machine shakes hands in its time',
  'core/server/broker/delay/delivery-pace.ts': 'between slices the event loop has a pause, wherever the time stands',
  'core/server/store/files/node-store-lock.ts': 'a name that no other process has',
  'core/testing/conformance/in-time.ts': 'time is moved for a check in which nothing goes on',
  'core/testing/virtual-clock.ts': 'it can run beside the clock of the machine',
  'core/testing/topic-contents.ts': 'a wait fails although the time of the kit stands still',
  'core/testing/test-kit.ts': 'the time of the kit begins at that of the machine',
};

/** Code without comments. */
function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

const files = ['core', 'plugins'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

test('only those ask the machine for the time who have a reason', () => {
  expect(files.length).toBeGreaterThan(300);
  expect(files.filter((file) => ASKS_THE_MACHINE.test(codeOf(file))).sort()).toEqual(Object.keys(MAY).sort());
});

test('turns of the event loop are asked for as it was at the start: a test may fake the timers of its runner', () => {
  const asks = /(?<![.\w])(?:setImmediate|queueMicrotask|process\.nextTick)\b/;
  const kept = /\/event-loop\.js|^(?:export )?const \{.*\} = globalThis;/m;
  const others = files.filter((file) => {
    const code = codeOf(file);
    return asks.test(code) && !kept.test(code);
  });
  expect(others).toEqual([]);
});
