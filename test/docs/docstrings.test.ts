/** Whoever hovers over a name that a door exports reads what it is for. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/run-cli.js';

const { exports: doors } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { import: { types: string } }>;
};

/** Sources of the doors, by what the package exports. */
const sources = Object.values(doors).flatMap(({ import: entry }) =>
  entry === undefined ? [] : [entry.types.replace('./dist/esm/', '').replace(/\.d\.ts$/, '.ts')],
);

/** What a file hands on of another: names as they are there. */
function handedOn(file: string): readonly { readonly name: string; readonly from: string }[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/^export (?:type )?\{([^}]*)\} from '(.*)\.js';$/gm)].flatMap(([, names, path]) =>
    (names as string)
      .split(',')
      .map((name) => name.replace(/^\s*(?:type )?\s*/, '').trim())
      .filter((name) => name !== '')
      .map((name) => ({ name, from: join(dirname(file), `${path}.ts`) })),
  );
}

/** Names that a file declares for others without a comment at any of their declarations. */
function undocumented(file: string, isWanted: (name: string) => boolean): readonly string[] {
  const source = readFileSync(join(root, file), 'utf8');
  const documented = new Set<string>();
  const all = new Set<string>();
  const declaration =
    /(\*\/\n(?:(?:@\w+|\/\/).*\n)*)?^export (?:declare |abstract |async )*(?:interface|type|const|function|class) (\w+)/gm;
  for (const [, comment, name] of source.matchAll(declaration)) {
    all.add(name as string);
    if (comment !== undefined) documented.add(name as string);
  }
  return [...all].filter((name) => isWanted(name) && !documented.has(name));
}

test('every name that a door exports has a comment', () => {
  expect(sources.length).toBeGreaterThan(6);
  const missing = sources.flatMap((door) => {
    const names = handedOn(door);
    const files = [...new Set(names.map(({ from }) => from))];
    for (const file of files) expect(existsSync(join(root, file)), `${door} hands on ${file}`).toBe(true);
    return [
      ...undocumented(door, () => true).map((name) => `${door}: ${name}`),
      ...files.flatMap((file) =>
        undocumented(file, (name) => names.some((one) => one.from === file && one.name === name)).map(
          (name) => `${relative('.', file)}: ${name}`,
        ),
      ),
    ];
  });
  expect(missing).toEqual([]);
});
