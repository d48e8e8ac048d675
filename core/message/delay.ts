import { rocketMQError } from '../errors/rocketmq-error.js';
import { MESSAGE_DELAY_LEVEL } from './delay-levels.js';
import type { OutgoingMessage, Properties } from './message.js';
import { PropertyName } from './property-names.js';

/** The delays of levels 1 to 18, in their order: Apache's `messageDelayLevel`, which a broker may be told to change. */
export const DELAY_LEVELS: readonly string[] = MESSAGE_DELAY_LEVEL.split(' ');

/** Version (see MQVersion) of 5.0.0, the first whose brokers know timers. Older ones deliver a timed message at once. */
export const TIMER_BROKER_VERSION = 413;

/** The part of a broker's answer to a heartbeat by which one that calls itself 4.9 says that it has them all the same. */
export const TIMERS_FIELD = 'timerWheelEnable';

/** What the answer to a heartbeat says of a broker; undefined while there was none. */
export interface DelayingBroker {
  readonly version: number | undefined;
  readonly hasTimers: boolean | undefined;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LEVEL_OF_MS: ReadonlyMap<number, number> = new Map(
  DELAY_LEVELS.map((text, index) => [durationMs(text) as number, index + 1]),
);

/** Milliseconds of a duration such as `10s`, `90m`, `250ms`; undefined for what is none, or is nothing. */
export function durationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  const milliseconds = Number(amount) * (UNIT_MS[unit] ?? 0);
  return Number.isSafeInteger(milliseconds) && milliseconds > 0 ? milliseconds : undefined;
}

/** The level that delays by exactly so long, however that is written: 60,000 ms is level 5; undefined when none does. */
export function delayLevelOf(milliseconds: number): number | undefined {
  return LEVEL_OF_MS.get(milliseconds);
}

/** The field by which a message asks for what only a broker with timers can do; undefined when it does not. */
export function timerField({ delay, deliverAt }: OutgoingMessage): 'delay' | 'deliverAt' | undefined {
  if (deliverAt !== undefined) return 'deliverAt';
  if (delay === undefined || delayLevelOf(durationMs(delay) as number) !== undefined) return undefined;
  return 'delay';
}

/** What can be known of a delay before a broker is chosen. @throws RMQ_MESSAGE_ILLEGAL naming the field */
export function validateDelay(message: OutgoingMessage): void {
  const { topic, delay, delayLevel, deliverAt } = message;
  const fields = Object.entries({ delay, delayLevel, deliverAt }).filter(([, value]) => value !== undefined);
  if (fields.length > 1) {
    const [first, second] = fields.map(([name]) => name) as [string, string];
    throw illegal(second, `A message is delayed in one way only, not by ${first} and ${second}`, topic);
  }
  if (delay !== undefined && (typeof delay !== 'string' || durationMs(delay) === undefined)) {
    const shown = typeof delay === 'string' ? JSON.stringify(delay) : String(delay);
    throw illegal('delay', `The delay is a whole number with ms, s, m, h or d, such as '10s', not ${shown}`, topic);
  }
  if (delayLevel !== undefined && !(Number.isInteger(delayLevel) && delayLevel >= 0 && delayLevel <= 0x7fffffff)) {
    throw illegal('delayLevel', `The delay level is a whole number from 0 (none), not ${String(delayLevel)}`, topic);
  }
  if (deliverAt !== undefined && instantMs(deliverAt) === undefined) {
    const shown = String(deliverAt);
    throw illegal('deliverAt', `The instant is a Date or whole milliseconds since 1970, not ${shown}`, topic);
  }
}

/**
 * The properties that make a broker deliver a message later: DELAY for a level and for a duration that a level has,
 * TIMER_DELAY_MS for any other duration, TIMER_DELIVER_MS for an instant. The message is valid (`validateDelay`).
 * @throws RMQ_MESSAGE_ILLEGAL for what that broker cannot do: it would deliver the message at once, and say nothing
 */
export function delayProperties(
  message: OutgoingMessage,
  { version, hasTimers }: DelayingBroker,
): Properties | undefined {
  const { topic, delay, delayLevel, deliverAt } = message;
  const field = timerField(message);
  if (field !== undefined && hasTimers !== true) {
    const can = `it can delay by ${DELAY_LEVELS.join(', ')}`;
    const why = `The broker (version ${version ?? 'unknown'}) is older than 5.0 and has no timers; ${can}`;
    throw illegal(field, why, topic);
  }
  if (deliverAt !== undefined) return { [PropertyName.TIMER_DELIVER_MS]: String(instantMs(deliverAt)) };
  if (delay !== undefined) {
    const milliseconds = durationMs(delay) as number;
    const level = delayLevelOf(milliseconds);
    if (level === undefined) return { [PropertyName.TIMER_DELAY_MS]: String(milliseconds) };
    return { [PropertyName.DELAY]: String(level) };
  }
  return delayLevel === undefined || delayLevel === 0 ? undefined : { [PropertyName.DELAY]: String(delayLevel) };
}

/** Not by `instanceof`: under Jest a Date may be of another realm. */
function instantMs(instant: Date | number): number | undefined {
  const milliseconds =
    Object.prototype.toString.call(instant) === '[object Date]' ? (instant as Date).getTime() : instant;
  return Number.isSafeInteger(milliseconds) && (milliseconds as number) >= 0 ? (milliseconds as number) : undefined;
}

function illegal(field: string, message: string, topic: string) {
  return rocketMQError('RMQ_MESSAGE_ILLEGAL', message, { field, topic });
}
