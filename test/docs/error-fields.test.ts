/** docs/reference/errors.md lists the fields of every code as the type has them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../cli/run-cli.js';

/** The members of `{ … }` at `start` that are not inside of another, such as `topic` and `msgId?`. */
function membersAt(source: string, start: number): readonly string[] {
  let depth = 0;
  let own = '';
  for (const character of source.slice(start)) {
    if (character === '{') depth += 1;
    if (depth === 1) own += character;
    if (character === '}') depth -= 1;
    if (depth === 0) break;
  }
  return [...own.matchAll(/readonly (\w+\??):/g)].map(([, member]) => member as string);
}

test('every code has its fields, in the order of the type', () => {
  const source = readFileSync(join(root, 'core/errors/rocketmq-error.ts'), 'utf8');
  const ofTypes = [...source.matchAll(/^ {2}(RMQ_\w+): \{/gm)].map(
    (match) => [match[1], membersAt(source, source.indexOf('{', match.index))] as const,
  );
  const reference = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8').split('\n## Fields\n')[1] ?? '';
  const documented = [...reference.matchAll(/^\| `(RMQ_\w+)` \| (.*) \|$/gm)].map(
    ([, code, fields]) => [code, [...(fields as string).matchAll(/`(\w+\??)`/g)].map(([, field]) => field)] as const,
  );
  expect(ofTypes.length).toBeGreaterThan(20);
  expect(documented).toEqual(ofTypes);
});
