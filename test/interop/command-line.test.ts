import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { drive, mqadmin } from './kit/java.js';
import { readReceived } from './kit/message-lines.js';
import { describeOutcome, run, stop } from './kit/processes.js';

const COMMAND = fileURLToPath(new URL('../../cli/multistage.mjs', import.meta.url));

/** Our command line with Apache at the other end. It runs what `npm run build` made. */
test('produce and consume on Apache', async () => {
  const { nameServer } = inject('apache');
  const topic = 'command_line';
  const lines = ['one', 'zwei ü', '三 🚀'];
  const options = ['--name-server', nameServer, '--topic', topic];
  const produced = await run(
    process.execPath,
    [COMMAND, 'produce', ...options, '--tag', 'T', '--key', 'k', '--property', 'colour=bläulich'],
    { input: lines.join('\n') },
  );
  expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
  expect(produced.stdout.trimEnd().split('\n').at(-1)).toBe('sent 3, failed 0');

  const java = await drive(inject('java'), nameServer, 'consume', [topic, 'command_line_java', '3']);
  expect(java.exitCode, describeOutcome('consume', java)).toBe(0);
  const received = readReceived(java.stdout);
  expect(received.map(({ body }) => body.toString()).sort()).toEqual([...lines].sort());
  for (const message of received) {
    expect(message).toMatchObject({ tag: 'T', keys: 'k' });
    expect(message.properties.get('colour')).toBe('bläulich');
  }

  const consumed = await run(process.execPath, [
    ...[COMMAND, 'consume', ...options, '--group', 'command_line_ours'],
    ...['--from', 'first', '--count', '3', '--timeout', '40'],
  ]);
  expect(consumed.exitCode, describeOutcome('consume', consumed)).toBe(0);
  const printed = consumed.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(printed.map(({ body }) => body).sort()).toEqual([...lines].sort());
  expect(printed[0]).toMatchObject({ topic, tag: 'T', keys: ['k'], properties: { colour: 'bläulich' } });
});

test('a broker of ours alone registers with the name server of Apache and serves a Java client', async () => {
  const { nameServer } = inject('apache');
  const dir = await mkdtemp(join(tmpdir(), 'multistage-command-'));
  const options = ['--dir', dir, '--broker-port', '0', '--broker-name', 'guest-a', '--cluster', 'GuestCluster'];
  const server = spawn(process.execPath, [COMMAND, 'server', ...options, '--name-server', nameServer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    await stop(server);
    await rm(dir, { recursive: true, force: true });
  });
  const ended = once(server, 'exit').then(([code]) => [`ended with ${code} before it was ready`]);
  const [ready] = await Promise.race([once(createInterface(server.stdout), 'line'), ended]);
  expect(ready).toMatch(/^ready name-server=127\.0\.0\.1:\d+ broker=127\.0\.0\.1:\d+ dir=\S+$/);

  // Made on our broker alone, so that every queue is ours.
  const broker = /broker=(\S+)/.exec(ready)?.[1] ?? '';
  const created = await mqadmin(inject('java'), nameServer, 'updateTopic', [
    '-b',
    broker,
    '-t',
    'guest_topic',
    '-r',
    '4',
    '-w',
    '4',
  ]);
  expect(created.exitCode, describeOutcome('updateTopic', created)).toBe(0);
  const outcome = await drive(inject('java'), nameServer, 'sync', ['guest_topic']);
  expect(outcome.exitCode, describeOutcome('sync', outcome)).toBe(0);
  expect(outcome.stdout).toContain('brokerName=guest-a');
  expect(outcome.stdout).not.toContain(`brokerName=${inject('apache').brokerName}`);

  const gone = once(server, 'exit');
  server.kill('SIGTERM');
  expect(await gone).toEqual([0, null]);
});
