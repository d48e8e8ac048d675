/** The programs and commands of docs/guide/tls.md do what it says, on ports and with certificates of this test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { firstLine, root, run } from '../cli/run-cli.js';
import { tempDir } from '../kit/temp-dir.js';

const guide = readFileSync(join(root, 'docs/guide/tls.md'), 'utf8');
const programs = [...guide.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code as string);
const commands = [...guide.matchAll(/^npx multistage (.*)$/gm)].map(([, args]) => args as string);

const door = (path: string): string => pathToFileURL(join(root, 'dist/esm', path)).href;

/** Runs a program of the guide from a folder with the test certificates. */
function start(dir: string, name: string, code: string) {
  const source = code
    .replace("'multistage'", `'${door('core/index.js')}'`)
    .replace("'multistage/server'", `'${door('core/server/index.js')}'`);
  writeFileSync(join(dir, name), source);
  const child = spawn(process.execPath, [name], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function folder(): string {
  const dir = tempDir();
  for (const name of ['ca', 'server', 'server.key', 'client', 'client.key']) {
    copyFileSync(join(root, `test/kit/tls/${name}.pem`), join(dir, `${name}.pem`));
  }
  return dir;
}

test('there are two programs and two commands', () => {
  expect([programs.length, commands.length]).toEqual([2, 2]);
});

test('the server asks for certificates; with one the client of the guide sends, and so does the command', async () => {
  const [client, server] = programs as [string, string];
  const dir = folder();
  const anyPort = server.replace("dir: './data',", "dir: './data', nameServerPort: 0, brokerPort: 0,");
  const ready = await firstLine(start(dir, 'server.mjs', anyPort));
  const nameServer = /^name server (127\.0\.0\.1:\d+)$/.exec(ready)?.[1] ?? ready;

  const own = "cert: readFileSync('client.pem'), key: readFileSync('client.key.pem')";
  const here = client.replace('localhost:9876', nameServer);
  expect(await firstLine(start(dir, 'client.mjs', here.replace('tls: {', `tls: { ${own},`)))).toBe('SEND_OK');
  const nameless = start(dir, 'nameless.mjs', here);
  expect(await once(nameless, 'close')).toEqual([1, null]);

  const produce = commands.find((args) => args.startsWith('produce'))?.replace('localhost:9876', nameServer) ?? '';
  expect(await run(produce.split(' '), dir, 'x\n')).toMatchObject({ code: 0, stdout: 'sent 1, failed 0\n' });
});

test('the server of the command line takes TLS only', async () => {
  const dir = folder();
  const args = commands.find((each) => each.startsWith('server'))?.split(' ') ?? [];
  const ports = ['--name-server-port', '0', '--broker-port', '0'];
  const child = spawn(process.execPath, [join(root, 'cli/multistage.mjs'), ...args, ...ports], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const nameServer = /name-server=(\S+)/.exec(await firstLine(child))?.[1] ?? '';
  const plain = await run(['produce', '--name-server', nameServer, '--topic', 'T'], dir, 'x\n');
  expect(plain).toMatchObject({ code: 1, stderr: expect.stringContaining('looks like TLS') });
});
