/** The command as a user runs it: processes of their own, ports of their own, a folder of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendLines } from '../../cli/send-lines.js';
import { connect } from '../../core/index.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { firstLine, root, run, runEach, start, startServer } from './run-cli.js';

const lines = (count: number): string => Array.from({ length: count }, (_, n) => `line ${n}\n`).join('');

describe('server', () => {
  test('prints one line when both answer, serves, and stops cleanly on SIGTERM', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    expect(server.readyLine).toMatch(/^ready name-server=127\.0\.0\.1:\d+ broker=127\.0\.0\.1:\d+ dir=/);
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(existsSync(join(dir, 'abort'))).toBe(false);
  });

  test('stops cleanly on SIGINT, and takes its last ports again', async () => {
    const dir = tempDir();
    const first = await startServer(dir);
    expect(await first.stop('SIGINT')).toBe(0);
    const second = await startServer(dir);
    expect(second.readyLine).toBe(first.readyLine);
    expect(await second.stop('SIGTERM')).toBe(0);
  });

  test('keeps what was acknowledged through SIGKILL', async () => {
    const dir = tempDir();
    const first = await startServer(dir);
    expect(await run(['produce', '--name-server', first.nameServers, '--topic', 'T'], dir, lines(200))).toMatchObject({
      code: 0,
      stdout: 'sent 200, failed 0\n',
    });
    await first.stop('SIGKILL');
    expect(existsSync(join(dir, 'abort'))).toBe(true);
    const second = await startServer(dir);
    const consumed = await run(
      [
        'consume',
        '--name-server',
        second.nameServers,
        '--topic',
        'T',
        '--group',
        'G',
        '--from',
        'first',
        '--count',
        '200',
        '--timeout',
        '60',
      ],
      dir,
    );
    expect(consumed.code).toBe(0);
    const bodies = consumed.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).body);
    expect(new Set(bodies).size).toBe(200);
    expect(await second.stop('SIGTERM')).toBe(0);
  });

  test('a broker alone registers with another name server', async () => {
    const dir = tempDir();
    const other = tempDir();
    const first = await startServer(dir);
    const second = await startServer(other, '--name-server', first.nameServers, '--broker-name', 'broker-b');
    expect(second.nameServers).toBe(first.nameServers);
    expect(second.broker).not.toBe(first.broker);
    expect(await second.stop('SIGTERM')).toBe(0);
    expect(await first.stop('SIGTERM')).toBe(0);
  });

  test('--flush sync puts messages on the disk, in space that it allocates ahead', async () => {
    const dir = tempDir();
    const server = await startServer(dir, '--flush', 'sync');
    const produce = ['produce', '--name-server', server.nameServers, '--topic', 'flushed'];
    expect((await run(produce, dir, lines(3))).code).toBe(0);
    expect(statSync(join(dir, 'commitlog', '0'.repeat(20))).blocks * 512).toBeGreaterThanOrEqual(1024 * 1024);
    expect(await server.stop('SIGTERM')).toBe(0);
    const refused = await run(['server', '--dir', dir, '--flush', 'never'], dir);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/--flush.*async, sync/);
  });

  test('a directory that another server holds: one line that names it, exit code 1', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    const refused = await run(['server', '--dir', dir, '--name-server-port', '0', '--broker-port', '0'], dir);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toMatch(new RegExp(`^error: RMQ_STORE_LOCKED: [^\\n]*${server.child.pid}[^\\n]*\\n$`));
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  test('a directory that cannot be written: one line, exit code 1', async () => {
    const dir = tempDir();
    const file = join(dir, 'a-file');
    writeFileSync(file, '');
    const inFile = await run(
      ['server', '--dir', join(file, 'data'), '--name-server-port', '0', '--broker-port', '0'],
      dir,
    );
    expect(inFile.code).toBe(1);
    expect(inFile.stderr).toMatch(/^error: [^\n]+\n$/);
    if (process.getuid?.() === 0) return; // root may write anywhere
    mkdirSync(join(dir, 'sealed'));
    chmodSync(join(dir, 'sealed'), 0o500);
    const sealed = await run(
      ['server', '--dir', join(dir, 'sealed'), '--name-server-port', '0', '--broker-port', '0'],
      dir,
    );
    expect(sealed.code).toBe(1);
    expect(sealed.stderr).toMatch(/^error: [^\n]+\n$/);
  });

  test('started through npx it stops cleanly when its parent is gone, since npm forwards no SIGTERM', async () => {
    const dir = tempDir();
    const args = ['multistage', 'server', '--dir', dir, '--name-server-port', '0', '--broker-port', '0'];
    const npx = spawn('npx', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const ready = await firstLine(npx);
    expect(ready).toMatch(/^ready /);
    expect(existsSync(join(dir, 'abort'))).toBe(true);
    const closed = once(npx.stdout, 'close'); // the server's end of the pipe: closes when the server itself has gone
    npx.kill('SIGTERM');
    await closed;
    expect(existsSync(join(dir, 'abort'))).toBe(false);
  });
});

describe('produce and consume', () => {
  test('carry tag, key and properties, one JSON object a message', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    const produced = await run(
      [
        'produce',
        '--name-server',
        server.nameServers,
        '--topic',
        'T',
        '--tag',
        'A',
        '--key',
        'k1',
        '--property',
        'x=1',
        '--property',
        'y=a=b',
      ],
      dir,
      'hello\n',
    );
    expect(produced).toMatchObject({ code: 0, stdout: 'sent 1, failed 0\n', stderr: '' });
    const consumed = await run(
      [
        'consume',
        '--name-server',
        server.nameServers,
        '--topic',
        'T',
        '--group',
        'G',
        '--tag',
        'A || B',
        '--from',
        'first',
        '--count',
        '1',
        '--timeout',
        '60',
      ],
      dir,
    );
    expect(consumed.code).toBe(0);
    expect(JSON.parse(consumed.stdout)).toMatchObject({
      topic: 'T',
      queueId: expect.any(Number),
      queueOffset: 0,
      msgId: expect.stringMatching(/^[0-9A-F]{32,56}$/),
      tag: 'A',
      keys: ['k1'],
      properties: { x: '1', y: 'a=b' },
      body: 'hello',
    });
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  test('consume never commits past what it printed', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    await run(['produce', '--name-server', server.nameServers, '--topic', 'T'], dir, lines(100));
    const seen = new Set<string>();
    for (const count of [1, 30, 69]) {
      const consumed = await run(
        [
          'consume',
          '--name-server',
          server.nameServers,
          '--topic',
          'T',
          '--group',
          'G',
          '--from',
          'first',
          '--count',
          String(count),
          '--timeout',
          '60',
        ],
        dir,
      );
      expect(consumed.code).toBe(0);
      const printed = consumed.stdout.trim().split('\n');
      expect(printed).toHaveLength(count);
      expect(consumed.stderr).toBe('');
      for (const line of printed) seen.add(JSON.parse(line).body);
    }
    // What was printed may come again (its queue's oldest unprinted message holds the offset), but nothing is skipped.
    const place = ['--name-server', server.nameServers, '--topic', 'T', '--group', 'G', '--from', 'first'];
    const readRest = async () => {
      const rest = await run(['consume', ...place, '--timeout', '3'], dir);
      expect(rest.code).toBe(0);
      for (const line of rest.stdout.trim().split('\n').filter(Boolean)) seen.add(JSON.parse(line).body);
      return seen.size === 100;
    };
    // A machine that is busy may take longer to get the last than a run waits.
    await waitFor(readRest, { what: 'every message to be printed' });
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  test('consume exits with 1 when --count was not reached in time', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    await run(['produce', '--name-server', server.nameServers, '--topic', 'T'], dir, 'one\n');
    const consumed = await run(
      [
        'consume',
        '--name-server',
        server.nameServers,
        '--topic',
        'T',
        '--group',
        'G',
        '--from',
        'first',
        '--count',
        '2',
        '--timeout',
        '2',
      ],
      dir,
    );
    expect(consumed.code).toBe(1);
    expect(consumed.stdout.trim().split('\n')).toHaveLength(1);
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  test('produce counts what failed and exits with 1', async () => {
    const dir = tempDir();
    const server = await startServer(dir);
    const produced = await run(['produce', '--name-server', server.nameServers, '--topic', 'T'], dir, 'one\n\ntwo\n');
    expect(produced.stdout).toBe('sent 2, failed 1\n');
    expect(produced.stderr).toMatch(/^failed: RMQ_MESSAGE_ILLEGAL: /);
    expect(produced.code).toBe(1);
    expect(await server.stop('SIGTERM')).toBe(0);
  });

  test('produce that is stopped before it reads its first line says what it sent', async () => {
    const mq = await connect({ nameServers: '127.0.0.1:1' });
    onTestFinished(() => mq.close());
    const args = { nameServer: '127.0.0.1:1', topic: 'T', file: join(root, 'package.json') };
    expect(await sendLines(mq, args, AbortSignal.abort())).toEqual({ sent: 0, failed: 0 });
  });

  test('a name server that is away: one line with its address, exit code 1', async () => {
    const dir = tempDir();
    const produced = await run(['produce', '--name-server', '127.0.0.1:1', '--topic', 'T'], dir, 'one\n');
    expect(produced.code).toBe(1);
    expect(produced.stdout).toBe('sent 0, failed 1\n');
    expect(produced.stderr).toMatch(/^failed: RMQ_NAME_SERVER_UNREACHABLE: [^\n]*127\.0\.0\.1:1[^\n]*\n$/);
  });
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [[], /name a command/],
  [
    ['serve'],
    /unknown command 'serve' \(Did you mean server\?\); the commands are server, produce, consume, topic, query and view\n$/,
  ],
  [['nothing-like-it'], /unknown command 'nothing-like-it'; the commands are server, /],
  [['server', '--broker-port', '70000'], /--broker-port.*0 to 65535/],
  [['server', 'extra'], /too many arguments|unknown|extra/],
  [['server', '--colour'], /unknown option '--colour'\n$/],
  [['server', '--brokerport', '1'], /unknown option '--brokerport' \(Did you mean --broker-port\?\)\n$/],
  [['topic', 'creat', 'T'], /unknown command 'creat' \(Did you mean create\?\); the commands are create and delete\n$/],
  [['produce', '--topic', 'T'], /'--name-server <list>' not specified; the variable NAMESRV_ADDR says it too\n$/],
  [['produce', '--name-server', 'a:1', '--topic', 'T', '--property', 'novalue'], /KEY=VALUE/],
  [['consume', '--name-server', 'a:1', '--topic', 'T'], /--group/],
  [['consume', '--name-server', 'a:1', '--topic', 'T', '--group', 'G', '--from', 'middle'], /first or last/],
  [['consume', '--name-server', 'a:1', '--topic', 'T', '--group', 'G', '--count', '0'], /whole number from 1/],
  [['consume', '--name-server', 'a:1', '--topic', 'T', '--group', 'G', '--timeout', 'soon'], /seconds above 0/],
];

describe('wrong arguments end with one clear line and exit code 2', () => {
  /** They end before anything is begun: one process serves them all. */
  const ended = runEach(WRONG.map(([args]) => args));

  test.each(WRONG.map(([args, message], index) => ({ args, message, index })))('$args', async ({ message, index }) => {
    const { code, stdout, stderr } = (await ended)[index]!;
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  test('and so does the process', async () => {
    const { code, stdout, stderr } = await run(['serve'], root);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: unknown command 'serve' [^\n]+\n$/);
  });

  test.each([
    [['produce', '--name-server', 'here', '--topic', 'T'], /nameServers/],
    [['produce', '--name-server', '127.0.0.1:1', '--topic', 'no topic'], /no topic/],
    [['produce', '--name-server', '127.0.0.1:1', '--topic', 'T', '--property', 'TAGS=x'], /TAGS/],
    [['consume', '--name-server', '127.0.0.1:1', '--topic', 'T', '--group', 'no group'], /no group/],
    [['server', '--cluster', 'no cluster'], /no cluster/],
  ])('%j, which only the library can tell', async (args, message) => {
    const ended = await run(args, tempDir(), 'a line\nand another\n');
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(/^error: RMQ_[^\n]+\n$/);
    expect(ended.stderr).toMatch(message);
  });
});

test('two commands that start at once in a checkout do not disturb each other', async () => {
  const dir = tempDir();
  const ended = await Promise.all([run(['--help'], dir), run(['--help'], dir), run(['server', '--help'], dir)]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(ended[2]?.stdout).toContain('--broker-port');
  const child = start(['--help'], dir);
  expect(await firstLine(child)).toContain('multistage');
});
