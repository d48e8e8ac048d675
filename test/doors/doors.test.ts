/** What loading a door of the built package brings with it. Runs on `dist`, which `npm test` builds first. */
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function requestsOf(format: 'esm' | 'cjs', door: string): [request: string, by: string][] {
  const script = join(root, 'test/doors/loaded-modules.mjs');
  return JSON.parse(
    execFileSync(process.execPath, ['--no-warnings', script, format, door], { cwd: root, encoding: 'utf8' }),
  );
}

/** Which of Node's own modules loading a door adds to those that every process has, whoever asks for them. */
function builtinsOf(format: 'esm' | 'cjs', door: string): string[] {
  const load = format === 'esm' ? `await import('${door}');` : `require('${door}');`;
  const script = `const before = new Set(process.moduleLoadList); ${load}
    process.stdout.write(JSON.stringify(process.moduleLoadList.filter((entry) => !before.has(entry))));`;
  const type = `--input-type=${format === 'esm' ? 'module' : 'commonjs'}`;
  const list = execFileSync(process.execPath, [type, '-e', script], { cwd: root, encoding: 'utf8' });
  return (JSON.parse(list) as string[]).map((entry) => entry.split(' ').at(-1) as string);
}

describe.each(['esm', 'cjs'] as const)('importing multistage as %s', (format) => {
  const requests = requestsOf(format, 'multistage');

  test('is seen by this test at all', () => {
    expect(requests.length).toBeGreaterThan(50);
    expect(requests.some(([request]) => request.includes('rxjs'))).toBe(true);
    expect(requests.some(([request]) => request === 'node:net')).toBe(true);
  });

  test('asks for no file system', () => {
    const asked = requests.filter(([request, by]) => /^(node:)?fs(\/|$)/.test(request) && !by.startsWith('node:'));
    expect(asked).toEqual([]);
  });

  test('loads no server', () => {
    expect(requests.filter(([request]) => /\/server\/(index|container|store|broker|nameserver)/.test(request))).toEqual(
      [],
    );
  });

  test('loads no TLS', () => {
    const builtins = builtinsOf(format, 'multistage');
    expect(builtins.length).toBeGreaterThan(0);
    expect(builtins).not.toContain('tls');
  });

  test('loads no optional codec', () => {
    expect(requests.filter(([request]) => /lz4-napi|zstd-codec/.test(request))).toEqual([]);
  });
});

describe('two copies of the package in one process', () => {
  test('agree on errors, tokens and messages', async () => {
    const esm = (await import(join(root, 'dist/esm/core/index.js'))) as typeof import('../../core/index.js');
    const cjs = createRequire(import.meta.url)(join(root, 'dist/cjs/core/index.js')) as typeof esm;
    const server = createRequire(import.meta.url)(
      join(root, 'dist/cjs/core/server/index.js'),
    ) as typeof import('../../core/server/index.js');
    expect(esm.connect).not.toBe(cjs.connect);
    expect(esm.SendStage).toEqual(cjs.SendStage);

    const error = await cjs.connect({ nameServers: 42 as never }).catch((thrown: unknown) => thrown);
    expect(esm.isRocketMQError(error, 'RMQ_OPTIONS_INVALID')).toBe(true);

    // A client of each copy on one embedded server of the CommonJS copy: ids of both never collide.
    const cluster = server.embedded({ store: 'memory' });
    const clients = [await esm.connect({ cluster }), await cjs.connect({ cluster })];
    try {
      const ids = new Set<string>();
      for (const [index, mq] of clients.entries()) {
        const producer = await mq.producer({ group: `copy-${index}` });
        for (let n = 0; n < 100; n++) ids.add((await producer.send({ topic: 'copies', body: `${n}` })).msgId);
      }
      expect(ids.size).toBe(200);
    } finally {
      for (const mq of clients) await mq.close();
    }
  });
});
