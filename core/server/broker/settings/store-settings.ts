/** The store's settings as an operator sees them: under Apache's names, without the unit that ours end in. */
import type { RuntimeStoreSettings } from '../message-store.js';

/** Those that Apache's broker does not have. */
const OURS: ReadonlySet<string> = new Set([
  'hotBytes',
  'readAtOnceBytes',
  'openFilesMax',
  'diskCheckIntervalMs',
  'commitLogSizeBytesMax',
]);

/** By Apache's names, from ours. */
export function shownStoreSettings(
  settings: Readonly<Record<string, string | number | boolean>>,
): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([name]) => !OURS.has(name))
      .map(([name, value]) => [
        name.replace(/(Ms|Hours)$/, ''),
        // Apache's is a percentage.
        name === 'diskMaxUsedSpaceRatio' ? Math.round(Number(value) * 100) : value,
      ]),
  );
}

/**
 * Readers of those that can change while the broker runs, by Apache's names; undefined for what is none. The store itself
 * checks what numbers and hours may be.
 */
export const STORE_SETTING_READERS: Readonly<Record<string, (text: string) => RuntimeStoreSettings | undefined>> = {
  cleanFileForciblyEnable: (text) => {
    if (text !== 'true' && text !== 'false') return undefined;
    return { cleanFileForciblyEnable: text === 'true' };
  },
  deleteCommitLogFilesInterval: (text) => ({ deleteCommitLogFilesIntervalMs: numberOf(text) }),
  deleteWhen: (text) => ({ deleteWhen: text }),
  diskMaxUsedSpaceRatio: (text) => ({ diskMaxUsedSpaceRatio: numberOf(text) / 100 }),
  fileReservedTime: (text) => ({ fileReservedTimeHours: numberOf(text) }),
  maxMessageSize: (text) => ({ maxMessageSize: numberOf(text) }),
};

/** NaN for what is none, also for an empty text: nobody means to keep messages for 0 hours by that. */
function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
