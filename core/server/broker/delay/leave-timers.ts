import { TIMER_TOPIC } from '../../../message/system-topics.js';
import type { MessageStore, WaitingTimer } from '../message-store.js';
import type { TimerWheel } from './timer-wheel.js';

/** Writes the files by which an Apache broker that is started on this directory next goes on with what waits. */
export async function leaveTimers(
  store: Pick<MessageStore, 'entries' | 'maxOffset' | 'writeTimers'>,
  wheel: TimerWheel,
  nowMs: number,
): Promise<void> {
  const last = timerAt(store, store.maxOffset(TIMER_TOPIC, 0) - 1, 0);
  if (last === undefined) return;
  const waiting = [...wheel.waiting()].sort(([, one], [, other]) => one - other);
  const timers = waiting.map(([outMs, offset]) => timerAt(store, offset, outMs)).filter((each) => each !== undefined);
  await store.writeTimers({ timers, last, nowMs });
}

/** @param outMs its second, negative for one that takes another back */
function timerAt(store: Pick<MessageStore, 'entries'>, queueOffset: number, outMs: number): WaitingTimer | undefined {
  const { offset, entries } = store.entries(TIMER_TOPIC, 0, queueOffset, 1);
  const [entry] = entries;
  if (entry === undefined || offset !== queueOffset) return undefined;
  const { commitLogOffset, sizeBytes } = entry;
  return { queueOffset, commitLogOffset, sizeBytes, outMs: Math.abs(outMs), isRecall: outMs < 0 };
}
