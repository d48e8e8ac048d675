/** Links between documents lead somewhere: to a file that is there, and to a heading that it has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/run-cli.js';

const documents = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'plugins'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
];

/** Headings as the anchors that GitHub makes of them. */
function anchorsOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test.each(documents)('%s', (path) => {
  const text = readFileSync(join(root, path), 'utf8').replace(/```[\s\S]*?```/g, '');
  for (const [link, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? join(root, path) : join(root, dirname(path), file);
    expect(existsSync(to), `${link} in ${path}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(readFileSync(to, 'utf8')), link).toContain(anchor);
  }
});

/** What npm packs, as the manifest lists it. */
const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: readonly string[] };
const packed = [...files, 'README.md', 'LICENSE', 'package.json']
  .filter((pattern) => !pattern.startsWith('!'))
  .map((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}(/|$)`));
const isPacked = (path: string): boolean => packed.some((pattern) => pattern.test(path));

test('what is packed links to what is packed', () => {
  const broken = documents.filter(isPacked).flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^https?:/.test(target))
      .map((target) => join(dirname(path), target).replace(/\/$/, ''))
      .filter((target) => {
        const inside = target === 'examples' ? readdirSync(join(root, target)).map((name) => join(target, name)) : [];
        return ![target, ...inside].some(isPacked);
      })
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test('the files that ARCHITECTURE.md names are there', () => {
  const sources = ['core', 'plugins', 'cli', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `/${folder}/${name}`),
  );
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
  const named = [...text.matchAll(/`((?:[\w-]+\/)*[\w-]+(?:\.ts|\/))`/g)].map(([, name]) => name as string);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((name) => !sources.some((file) => `${file}/`.includes(`/${name.replace(/\/$/, '')}/`)))).toEqual(
    [],
  );
});

/** Two decisions that were written on the same day had the same number once, and "decision 11" meant either. */
test('decisions are numbered one by one, in their names and in their headings', () => {
  const decisions = join(root, 'docs/decisions');
  const names = readdirSync(decisions).sort();
  expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
  const headings = names.map((name) => readFileSync(join(decisions, name), 'utf8').match(/^# (\d+)\. /)?.[1]);
  expect(headings.map(Number)).toEqual(names.map((_, index) => index + 1));
});
