import { afterEach, expect, test, vi } from 'vitest';
import { consoleLogger, type Logger } from '../../core/index.js';

afterEach(() => void vi.restoreAllMocks());

/** Every level once; what the console was told. */
function spoken(logger: Logger): readonly (readonly unknown[])[] {
  const said: unknown[][] = [];
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((...given: unknown[]) => void said.push([level, ...given]));
    logger[level]('something happened', { group: 'billing' });
  }
  return said;
}

test('says warnings and errors, each with its level and its facts', () => {
  expect(spoken(consoleLogger())).toEqual([
    ['warn', 'warn: something happened', { group: 'billing' }],
    ['error', 'error: something happened', { group: 'billing' }],
  ]);
});

test('says more, or less, where it is told to', () => {
  expect(spoken(consoleLogger({ level: 'debug' })).map(([level]) => level)).toEqual(['debug', 'info', 'warn', 'error']);
  expect(spoken(consoleLogger({ level: 'error' })).map(([level]) => level)).toEqual(['error']);
});

test('a line without facts is one word of the console', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  consoleLogger().warn('something happened');
  expect(warn.mock.calls).toEqual([['warn: something happened']]);
});

test('a level that there is not is refused', () => {
  expect(() => consoleLogger({ level: 'loud' as never })).toThrow(/one of debug, info, warn, error, not loud/);
  expect(() => consoleLogger({ levels: 'info' } as never)).toThrow(/did you mean level\?/);
});
