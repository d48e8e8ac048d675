import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmptyProject, emptyProject, pack, root, versionHere } from './empty-project.js';
import { stopOnceItPrinted } from './stopped-program.js';

/** Every door with a name that only it exports. */
const DOORS = [
  ['multistage', 'connect'],
  ['multistage/server', 'embedded'],
  ['multistage/testing', 'testKit'],
  ['multistage/plugins/forbidden', 'forbidden'],
  ['multistage/plugins/namespace', 'namespace'],
  ['multistage/plugins/tracing', 'tracing'],
  ['multistage/plugins/transaction', 'transaction'],
] as const;

/** For Jest and for vitest: their own watchdog of 5 seconds is a fast machine's. */
const PATIENT = '--testTimeout=60000';

const projects: EmptyProject[] = [];
let folder: string;
let tarball: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'multistage-pack-'));
  tarball = pack(folder);
});

afterAll(() => {
  for (const project of projects) project.remove();
  rmSync(folder, { recursive: true, force: true });
});

function project(manifest: object, ...beside: string[]): EmptyProject {
  return keep(emptyProject(manifest, [tarball, ...beside]));
}

/** Nest 12 has a dependency that names Node 22 and works on 20. */
function nestProject(manifest: object, version: 11 | 12, ...beside: string[]): EmptyProject {
  const nest = ['common', 'core', 'testing'].map((name) => `@nestjs/${name}@${version}`);
  const tools = [versionHere('typescript'), versionHere('@types/node'), 'reflect-metadata@0.2', 'rxjs@7', ...beside];
  return keep(emptyProject(manifest, [tarball, ...nest, ...tools], { engineStrict: false }));
}

function keep(made: EmptyProject): EmptyProject {
  projects.push(made);
  return made;
}

/** Sends one message and reads it back, with whatever `connect` and `embedded` the file got hold of. */
const ROUND_TRIP = `
async function roundTrip(worker = false) {
  const mq = await connect({ cluster: embedded({ dir: './data', worker }) });
  try {
    const producer = await mq.producer({ group: 'p' });
    const { msgId } = await producer.send({ topic: 'T', body: 'hello' });
    const consumer = await mq.consumer({ group: 'c', subscribe: { T: '*' }, from: 'first' });
    const got = await new Promise((resolve) => consumer.run(async (message) => resolve(message)));
    return got.msgId === msgId && got.body.toString() === 'hello';
  } finally {
    await mq.close();
  }
}
`;

describe('the packed package in plain JavaScript', () => {
  let plain: EmptyProject;
  beforeAll(() => {
    plain = project({});
  });

  test.each(DOORS)('%s loads as ESM and as CommonJS', (door, name) => {
    plain.write('door.mjs', `import { ${name} } from '${door}'; console.log(typeof ${name});`);
    plain.write('door.cjs', `const { ${name} } = require('${door}'); console.log(typeof ${name});`);
    expect(plain.run('node', 'door.mjs').trim()).toBe('function');
    expect(plain.run('node', 'door.cjs').trim()).toBe('function');
  });

  test('a message makes the round trip in ESM, and the process ends by itself', () => {
    plain.write(
      'trip.mjs',
      `import { connect } from 'multistage'; import { embedded } from 'multistage/server';${ROUND_TRIP} console.log(await roundTrip());`,
    );
    expect(plain.run('node', 'trip.mjs').trim()).toBe('true');
  });

  test('a message makes the round trip in CommonJS, and the process ends by itself', () => {
    plain.write(
      'trip.cjs',
      `const { connect } = require('multistage'); const { embedded } = require('multistage/server');${ROUND_TRIP} roundTrip().then(console.log);`,
    );
    expect(plain.run('node', 'trip.cjs').trim()).toBe('true');
  });

  test('so it does with the server in a worker, in both', () => {
    plain.write(
      'worker.mjs',
      `import { connect } from 'multistage'; import { embedded } from 'multistage/server';${ROUND_TRIP} console.log(await roundTrip(true));`,
    );
    plain.write(
      'worker.cjs',
      `const { connect } = require('multistage'); const { embedded } = require('multistage/server');${ROUND_TRIP} roundTrip(true).then(console.log);`,
    );
    expect(plain.run('node', 'worker.mjs').trim()).toBe('true');
    expect(plain.run('node', 'worker.cjs').trim()).toBe('true');
  });

  test('the command is there and tells wrong arguments', () => {
    expect(plain.run('npx', '--no-install', 'multistage', '--help')).toContain('server');
    expect(() => plain.run('npx', '--no-install', 'multistage', 'server', '--broker-port', 'x')).toThrow(
      /--broker-port/,
    );
  });

  test('nothing but the runtime dependencies came along', () => {
    const installed = plain.run('npm', 'ls', '--all', '--parseable').trim().split('\n');
    expect(installed.filter((path) => /typescript|vitest|vega|biome|jest|cli-table3|cli-progress/.test(path))).toEqual(
      [],
    );
  });
});

describe('the packed package in TypeScript', () => {
  const source = `
    import { connect, isRocketMQError, type SendResult } from 'multistage';
    import { embedded } from 'multistage/server';
    import { forbidden } from 'multistage/plugins/forbidden';
    export async function send(): Promise<SendResult> {
      const mq = await connect({ cluster: embedded({ dir: './data' }), plugins: [forbidden({ rules: [] })] });
      const producer = await mq.producer({ group: 'p' });
      try {
        return await producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 100 });
      } catch (error) {
        if (isRocketMQError(error, 'RMQ_SEND_TIMEOUT')) console.log(error.sent);
        // @ts-expect-error a field of another code
        if (isRocketMQError(error, 'RMQ_SEND_TIMEOUT')) console.log(error.issues);
        throw error;
      }
    }
  `;
  let typed: EmptyProject;
  beforeAll(() => {
    typed = project({}, versionHere('typescript'), versionHere('@types/node'));
    typed.write('source.mts', source);
    typed.write('source.cts', source);
    typed.write('source.ts', source);
  });

  test('so do the programs in TypeScript that the guides show', () => {
    const files = ['testing.md', 'write-a-plugin.md'].flatMap((guide) =>
      typedSnippets(guide).map((source, index) => {
        const file = `${guide}-${index}.mts`;
        typed.write(file, source);
        return file;
      }),
    );
    expect(files.length).toBeGreaterThan(2);
    const globals = ['describe', 'it', 'expect', 'beforeAll', 'afterEach', 'afterAll'];
    typed.write(
      'globals.d.ts',
      globals.map((name) => `declare const ${name}: (...given: unknown[]) => any;`).join('\n'),
    );
    const compilerOptions = { target: 'es2022', module: 'nodenext', strict: true, noEmit: true, types: ['node'] };
    typed.write('tsconfig.guides.json', JSON.stringify({ compilerOptions, files: [...files, 'globals.d.ts'] }));
    expect(typed.run('npx', '--no-install', 'tsc', '-p', 'tsconfig.guides.json')).toBe('');
  });

  test.each([
    ['nodenext', ['source.mts', 'source.cts'], { module: 'nodenext' }],
    ['bundler', ['source.ts'], { module: 'esnext', moduleResolution: 'bundler' }],
  ])('compiles with %s resolution', (name, files, options) => {
    const config = {
      compilerOptions: { target: 'es2022', strict: true, noEmit: true, types: ['node'], ...options },
      files,
    };
    typed.write(`tsconfig.${name}.json`, JSON.stringify(config));
    expect(typed.run('npx', '--no-install', 'tsc', '-p', `tsconfig.${name}.json`)).toBe('');
  });
});

describe('the packed package under Jest 30 in CommonJS', () => {
  let jest: EmptyProject;
  beforeAll(() => {
    jest = project({ scripts: { test: 'jest' } }, 'jest@30');
  });

  test('a test sends and reads a message', () => {
    jest.write(
      'trip.test.js',
      `const { connect } = require('multistage'); const { embedded } = require('multistage/server');${ROUND_TRIP}
       test('round trip', async () => { expect(await roundTrip()).toBe(true); });`,
    );
    expect(() => jest.run('npx', '--no-install', 'jest', '--ci', PATIENT, 'trip')).not.toThrow();
  });

  test('the tests of the guide pass', () => {
    for (const [name, source] of guideTests()) jest.write(`${name}.test.js`, inCommonJs(source));
    expect(() => jest.run('npx', '--no-install', 'jest', '--ci', PATIENT, 'guide')).not.toThrow();
  });
});

describe('the packed package under vitest', () => {
  let vitest: EmptyProject;
  beforeAll(() => {
    vitest = nestProject({ type: 'module' }, 12, versionHere('vitest'));
  });

  test('the tests of the guide pass', () => {
    for (const [name, source] of guideTests()) vitest.write(`${name}.test.js`, source);
    expect(() => vitest.run('npx', '--no-install', 'vitest', 'run', '--globals', PATIENT, 'guide')).not.toThrow();
  });

  test('so do those of the module and of the example for NestJS 12, which is compiled, runs, and ends well on SIGTERM', async () => {
    writeNestSources(vitest, 'vitest/globals');
    expect(vitest.run('npx', '--no-install', 'tsc')).toBe('');
    expect(() =>
      vitest.run('npx', '--no-install', 'vitest', 'run', '--globals', PATIENT, '--dir', 'test'),
    ).not.toThrow();
    expect(vitest.run('node', 'dist/src/main.js', '--once')).toMatch(BILLED);
    await expectEndOnSigterm(vitest);
  });
});

describe('the packed package with NestJS 11 and Jest 30 in CommonJS', () => {
  test('the example is compiled, its tests and those of the module pass, it runs, and ends well on SIGTERM', async () => {
    const nest = nestProject({}, 11, 'jest@30', '@types/jest@30');
    writeNestSources(nest, 'jest');
    expect(nest.run('npx', '--no-install', 'tsc')).toBe('');
    expect(() => nest.run('npx', '--no-install', 'jest', '--ci', PATIENT, 'dist')).not.toThrow();
    expect(nest.run('node', 'dist/src/main.js', '--once')).toMatch(BILLED);
    await expectEndOnSigterm(nest);
  });
});

const BILLED = /placed order 42 as [0-9A-F]{32}\nbilled order 42: 1999 cents\n/;

/** The example runs until it is told to end. What it had billed is stored then: consumers store it every 5 s otherwise. */
async function expectEndOnSigterm(made: EmptyProject): Promise<void> {
  const data = join(made.dir, 'multistage-data');
  rmSync(data, { recursive: true });
  const { code, signal, output } = await stopOnceItPrinted(made.dir, 'dist/src/main.js', BILLED);
  // NestJS gives the signal back to the process once everything is closed.
  expect({ code, signal }, output).toEqual({ code: null, signal: 'SIGTERM' });
  const { offsetTable } = JSON.parse(readFileSync(join(data, 'config/consumerOffset.json'), 'utf8'));
  const offsets: number[] = Object.values(offsetTable['orders@billing']);
  expect(offsets.reduce((sum, offset) => sum + offset)).toBe(1);
}

/** The sources and tests of examples/nestjs, and the tests of the module; the format is the project's. */
function writeNestSources(made: EmptyProject, testTypes: string): void {
  const from = join(root, 'examples/nestjs');
  for (const folder of ['src', 'test']) cpSync(join(from, folder), join(made.dir, folder), { recursive: true });
  cpSync(join(root, 'test/package/nestjs'), join(made.dir, 'test/module'), { recursive: true });
  const config = readFileSync(join(from, 'tsconfig.json'), 'utf8');
  made.write('tsconfig.json', config.replace('vitest/globals', testTypes));
}

/** The programs in TypeScript that a guide shows. */
function typedSnippets(guide: string): readonly string[] {
  const text = readFileSync(join(root, 'docs/guide', guide), 'utf8');
  const snippets = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => source as string);
  if (snippets.length === 0) throw new Error(`the guide ${guide} shows nothing in TypeScript`);
  return snippets;
}

/** The tests that docs/guide/testing.md shows, in JavaScript, by a name for their file. */
function guideTests(): readonly (readonly [name: string, source: string])[] {
  const withoutTypes = (source: string): string =>
    source.replace(/type \w+, /g, '').replace(/^( *let \w+): \w+;$/gm, '$1;');
  return typedSnippets('testing.md').map((source, index) => [`guide-${index}`, withoutTypes(source)]);
}

function inCommonJs(source: string): string {
  return source.replace(/^import (\{[^}]*\}) from ('[^']*');$/gm, 'const $1 = require($2);');
}
