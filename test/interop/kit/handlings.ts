/** A message in the hands of a member of an ordered group. */
export interface Handling {
  readonly member: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly body: string;
  /** Wall clock, milliseconds. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/** The lines that java/OrderlyMember.java prints. */
export function readHandlings(stdout: string): readonly Handling[] {
  return [...stdout.matchAll(/^handled (\d+) (\d+) (\S+) (\d+) (\d+)$/gm)].map(
    ([, queueId, offset, body, began, ended]) => ({
      member: 'java',
      queueId: Number(queueId),
      queueOffset: Number(offset),
      body: body as string,
      beganMs: Number(began),
      endedMs: Number(ended),
    }),
  );
}

/**
 * What was wrong with the order, in words: two members in one queue at one time, something skipped, something repeated. A member
 * begins where the one before it stopped; behind a Java member it may begin earlier, since Java sends its offset and gives its
 * lock back without waiting for answers, and a broker works on both side by side.
 */
export function orderProblems(handlings: readonly Handling[]): readonly string[] {
  const problems: string[] = [];
  const before = new Map<number, Handling>();
  for (const now of [...handlings].sort((a, b) => a.beganMs - b.beganMs || a.queueOffset - b.queueOffset)) {
    const last = before.get(now.queueId);
    before.set(now.queueId, now);
    const said = `${now.member} handled ${now.queueOffset} of queue ${now.queueId}`;
    if (last === undefined) {
      if (now.queueOffset !== 0) problems.push(`${said} first`);
      continue;
    }
    const after = `after ${last.member} had ${last.queueOffset}`;
    if (now.member !== last.member && now.beganMs < last.endedMs) problems.push(`${said} while ${last.member} did`);
    const repeats = last.member === 'java' && now.member !== 'java' && now.queueOffset <= last.queueOffset;
    if (now.queueOffset !== last.queueOffset + 1 && !repeats) problems.push(`${said} ${after}`);
  }
  return problems;
}
