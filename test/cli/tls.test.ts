/** TLS from the command line: files instead of PEM text. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { tempDir } from '../kit/temp-dir.js';
import { run, startServer } from './run-cli.js';

const file = (name: string): string => fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url));
const pair = (name: string): string[] => ['--tls-cert', file(name), '--tls-key', file(`${name}.key`)];

test('server, produce and consume speak TLS, with certificates on both sides', async () => {
  const dir = tempDir();
  const server = await startServer(dir, ...pair('server'), '--tls-ca', file('ca'), '--tls-mode', 'enforcing');
  const target = ['--name-server', server.nameServers, '--topic', 'T'];
  const trust = ['--tls-ca', file('ca')];
  const known = [...trust, ...pair('client')];
  expect(await run(['produce', ...target, ...known], dir, 'hello\n')).toMatchObject({
    code: 0,
    stdout: 'sent 1, failed 0\n',
  });
  const group = ['--group', 'G', '--from', 'first', '--count', '1', '--timeout', '60'];
  const consumed = await run(['consume', ...target, ...group, ...known], dir);
  expect(JSON.parse(consumed.stdout)).toMatchObject({ body: 'hello' });
  const nameless = await run(['produce', ...target, ...trust], dir, 'x\n');
  expect(nameless).toMatchObject({ code: 1, stdout: 'sent 0, failed 1\n' });
  expect(nameless.stderr).toMatch(/^failed: RMQ_NAME_SERVER_UNREACHABLE: .*client certificate.*\n$/);
  const trustless = await run(['produce', ...target, '--tls', ...pair('client')], dir, 'x\n');
  expect(trustless.stderr).toMatch(/nobody that this process trusts/);
  expect((await run(['produce', ...target, '--tls-insecure', ...pair('client')], dir, 'x\n')).code).toBe(0);
  expect(await server.stop('SIGTERM')).toBe(0);
});

test('a file that is not there, a key that does not fit and a mode that does not exist are one line each', async () => {
  const dir = tempDir();
  const server = ['server', '--dir', dir, '--name-server-port', '0', '--broker-port', '0'];
  const missing = await run([...server, '--tls-cert', 'nowhere.pem', '--tls-key', file('server.key')], dir);
  expect([missing.code, missing.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: ENOENT[^\n]*nowhere\.pem[^\n]*\n$/),
  ]);
  const unfit = await run([...server, '--tls-cert', file('server'), '--tls-key', file('client.key')], dir);
  expect([unfit.code, unfit.stderr]).toEqual([
    2,
    expect.stringMatching(/^error: RMQ_OPTIONS_INVALID: option tls: cert and key do not belong together [^\n]*\n$/),
  ]);
  const mode = await run([...server, '--tls-mode', 'on'], dir);
  expect([mode.code, mode.stderr]).toEqual([2, expect.stringMatching(/^error: [^\n]*--tls-mode[^\n]*\n$/)]);
});
