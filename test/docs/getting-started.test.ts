import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('who reads the first program only has read what may come twice', () => {
  const guide = readFileSync(new URL('../../docs/guide/getting-started.md', import.meta.url), 'utf8');
  const [, afterTheProgram = ''] = guide.split('finishes what is in flight');
  const [beforeTheNext] = afterTheProgram.split('\n## ');
  expect(beforeTheNext).toContain('at least once');
  expect(beforeTheNext).toContain('](consume.md#at-least-once-precisely)');
});
