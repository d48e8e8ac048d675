/**
 * The rooms of the house and who may import whom, as ARCHITECTURE.md draws them. `import type` counts: a room that only
 * names another's types still has to know it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What each room may import, beside itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {};
const LADDER = [
  ['errors'],
  ['runtime', 'message'],
  ['remoting'],
  ['routing'],
  ['pipeline'],
  ['producer', 'consumer', 'admin'],
  ['plugin'],
  ['client'],
  ['container'],
  ['index.ts'],
];
LADDER.forEach((rooms, rung) => {
  for (const room of rooms)
    MAY_IMPORT[`core/${room}`] = LADDER.slice(0, rung)
      .flat()
      .map((lower) => `core/${lower}`);
});
MAY_IMPORT['core/message'] = ['core/errors', 'core/runtime'];
MAY_IMPORT['core/server'] = ['core/errors', 'core/runtime', 'core/message', 'core/remoting'];
MAY_IMPORT['core/testing'] = [...Object.keys(MAY_IMPORT), 'core/index.ts'];
MAY_IMPORT.plugins = ['core/index.ts', 'core/server/index.ts'];
MAY_IMPORT.cli = ['core/index.ts', 'core/server/index.ts'];

/** npm packages by folder, the longest prefix counts; Node's own modules are told apart below. */
const PACKAGES: Record<string, readonly string[]> = {
  core: ['rxjs', 'inversify', 'reflect-metadata'],
  'core/message/compression': ['lz4-napi', 'zstd-codec'],
  'core/server': ['rxjs', 'inversify', 'reflect-metadata'],
  plugins: ['rxjs', 'inversify'],
  'plugins/nestjs': ['@nestjs/common', '@nestjs/core', 'reflect-metadata'],
  cli: ['commander'],
};

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly target: string | undefined;
  /** `import type`: gone when the code runs. */
  readonly typeOnly: boolean;
}

const imports = ['core', 'plugins', 'cli'].flatMap(importsOf);

function importsOf(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const file = join(folder, name);
      const source = readFileSync(join(root, file), 'utf8');
      const found = source.matchAll(
        /^\s*(?:import|export)\b[^;'"]*?from\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/gm,
      );
      return [...found].map((match) => {
        const specifier = (match[1] ?? match[2] ?? match[3]) as string;
        const target = specifier.startsWith('.')
          ? normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts')
          : undefined;
        return { from: file, specifier, target, typeOnly: /^\s*(?:import|export) type\b/.test(match[0]) };
      });
    });
}

function roomOf(file: string): string {
  const [top, second] = file.split('/');
  return top === 'core' ? `core/${second}` : (top as string);
}

/** Made by commands; git does not see them. */
const MADE =
  /^(node_modules|dist(\.[\w.]+)?|coverage|data|multistage-data|\.multistage|\.git|\.idea|\.vscode|\.DS_Store|.*\.(tgz|log))$/;

/** A send and the chain that it passes through have to know each other's types; no values among them make a circle. */
const SEND_CHAIN: ReadonlySet<string> = new Set(
  ['chain', 'guard', 'pending', 'pipeline-context', 'send-state'].map((name) => `core/pipeline/${name}.ts`),
);

describe('rooms', () => {
  // Apache's consumerStatus writes a folder wherever it stands: four of them had been committed with a feature.
  test('the top level has the folders of ARCHITECTURE.md, the files of a package, and nothing else', () => {
    const names = readdirSync(root).filter((name) => !MADE.test(name));
    const folders = ['.ci', 'bench', 'cli', 'core', 'docs', 'examples', 'plugins', 'scripts', 'test'];
    const settings = ['.gitignore', '.npmrc', 'biome.json', 'package.json', 'package-lock.json', 'tsconfig.json'];
    const texts = ['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md'];
    expect(names.sort()).toEqual([...folders, ...settings, ...texts, 'vitest.config.ts'].sort());
  });

  test('there is something to look at', () => {
    expect(imports.length).toBeGreaterThan(200);
    expect(new Set(imports.map(({ from }) => roomOf(from))).size).toBeGreaterThan(10);
  });

  test('imports go one way', () => {
    const wrong = imports.filter(({ from, target }) => {
      if (target === undefined) return false;
      const room = roomOf(from);
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined) return true;
      if (room === roomOf(target) && !(room === 'plugins' && pluginOf(from) !== pluginOf(target))) return false;
      return !allowed.includes(roomOf(target)) && !allowed.includes(target);
    });
    expect(wrong.map(({ from, target }) => `${from} → ${target}`)).toEqual([]);
  });

  test('store, broker and name server meet only where the server is put together', () => {
    const parts = ['store', 'broker', 'nameserver', 'filter'];
    const partOf = (file: string): string | undefined => parts.find((part) => file.startsWith(`core/server/${part}/`));
    const wrong = imports.filter(({ from, target }) => {
      const [a, b] = [partOf(from), target === undefined ? undefined : partOf(target)];
      return a !== undefined && b !== undefined && a !== b;
    });
    expect(wrong.map(({ from, target }) => `${from} → ${target}`)).toEqual([]);
  });

  test.each(['core/server/broker', 'core/server/store', 'core/consumer'])(
    'the folders of %s know each other in one direction',
    (room) => {
      const folderOf = (file: string): string | undefined => file.match(new RegExp(`^${room}/([^/]+)/`))?.[1];
      const known = new Set(
        imports
          .filter(({ target }) => target !== undefined)
          .map(({ from, target }) => [folderOf(from), folderOf(target as string)])
          .filter(([a, b]) => a !== undefined && b !== undefined && a !== b)
          .map(([a, b]) => `${a} → ${b}`),
      );
      expect(known.size).toBeGreaterThan(0);
      const both = [...known].filter((arrow) => known.has(arrow.split(' → ').reverse().join(' → ')));
      expect(both).toEqual([]);
    },
  );

  test('packages are used only where they may be', () => {
    const wrong = imports.filter(({ from, specifier, target }) => {
      if (target !== undefined || specifier.startsWith('node:')) return false;
      // The server's own file under a name, since each build finds it differently.
      if (specifier === '#server-worker' && from.startsWith('core/server/')) return false;
      const folder = Object.keys(PACKAGES)
        .filter((prefix) => from.startsWith(`${prefix}/`))
        .sort((a, b) => b.length - a.length)[0];
      const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
      return folder === undefined || !PACKAGES[folder]?.includes(name);
    });
    expect(wrong.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
  });

  test('the client loads no file system, and every relative import names a file that exists', () => {
    const files = imports.filter(
      ({ from, specifier }) =>
        !from.startsWith('core/server/') &&
        from.startsWith('core/') &&
        // Asks for it when a broadcasting consumer stores its first offset; its import is a type.
        from !== 'core/consumer/broadcasting/local-offset-store.ts' &&
        /^node:(fs|child_process|worker_threads)/.test(specifier),
    );
    expect(files.map(({ from, specifier }) => `${from} → ${specifier}`)).toEqual([]);
    const known = new Set(
      ['core', 'plugins', 'cli'].flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
      ),
    );
    const dangling = imports.filter(({ target }) => target !== undefined && !known.has(relative('.', target)));
    expect(dangling.map(({ from, target }) => `${from} → ${target}`)).toEqual([]);
  });

  test('imports make no circles, also those of types alone', () => {
    const graph = new Map<string, string[]>();
    for (const { from, target, typeOnly } of imports) {
      if (target === undefined || (typeOnly && SEND_CHAIN.has(from) && SEND_CHAIN.has(target))) continue;
      graph.set(from, [...(graph.get(from) ?? []), target]);
    }
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      if (done.has(file) || path.includes(file)) return;
      for (const target of graph.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).toEqual([]);
  });
});

function pluginOf(file: string): string | undefined {
  return file.split('/')[1];
}
