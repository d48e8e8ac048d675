/** What a recall names its message by. Matches buildDeleteKey of Apache's TimerMessageStore. */
export function recallKey(topic: string, uniqueKey: string): string {
  return `${topic}+${uniqueKey}`;
}
