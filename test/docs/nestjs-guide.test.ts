/** What docs/guide/nestjs.md shows are files of examples/nestjs, which test/package compiles and runs on NestJS 11 and 12. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/run-cli.js';

test('every snippet is a file of the example', () => {
  const guide = readFileSync(join(root, 'docs/guide/nestjs.md'), 'utf8');
  const snippets = [...guide.matchAll(/```(\w*)\n([\s\S]*?)```/g)].map(([, language, code]) => ({ language, code }));
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(join(root, 'examples/nestjs', folder)).map((name) =>
      readFileSync(join(root, 'examples/nestjs', folder, name), 'utf8'),
    ),
  );
  expect(snippets.length).toBeGreaterThan(3);
  for (const { language, code } of snippets) {
    expect(language).toBe('ts');
    expect(files).toContain(code);
  }
});
