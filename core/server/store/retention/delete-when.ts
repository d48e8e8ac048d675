/** The hours that `deleteWhen` names, `04` or several joined by `;`; undefined when it is not of that form. */
export function parseDeleteWhen(deleteWhen: string): ReadonlySet<number> | undefined {
  const hours = deleteWhen.split(';').map((part) => part.trim());
  if (!hours.every((hour) => /^\d{1,2}$/.test(hour) && Number(hour) < 24)) return undefined;
  return new Set(hours.map(Number));
}

/** Whether a moment lies in one of the hours, by this machine's local time. Matches Apache's UtilAll.isItTimeToDo. */
export function isDeleteHour(hours: ReadonlySet<number>, nowMs: number): boolean {
  return hours.has(new Date(nowMs).getHours());
}
