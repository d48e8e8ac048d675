/** Apache's `messageDelayLevel` where nobody changed it: the delays of levels 1 to 18. */
export const MESSAGE_DELAY_LEVEL = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The delays in milliseconds of levels 1, 2, 3 … of a `messageDelayLevel`: whole numbers with s, m, h or d, separated by
 * blanks. Undefined for a text that is none. Matches parseDelayLevel of Apache's ScheduleMessageService.
 */
export function parseDelayLevels(text: string): readonly number[] | undefined {
  const delays: number[] = [];
  for (const level of text.trim().split(/ +/)) {
    const [, amount, unit = ''] = /^(\d{1,9})([smhd])$/.exec(level) ?? [];
    const delayMs = Number(amount) * (UNIT_MS[unit] ?? Number.NaN);
    if (!Number.isSafeInteger(delayMs)) return undefined;
    delays.push(delayMs);
  }
  return delays;
}
