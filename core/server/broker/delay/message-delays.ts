import { inject, injectable } from 'inversify';
import { withoutProperties, withProperties } from '../../../message/edited-properties.js';
import { decodeProperties } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { formatRecallHandle } from '../../../message/recall-handle.js';
import { RETRY_TOPIC_PREFIX, SystemTopic, TIMER_TOPIC } from '../../../message/system-topics.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { Clock } from '../../../runtime/clock.js';
import type { StoreMessage } from '../message-store.js';
import type { Refusal } from '../refusal.js';
import { BrokerSettings } from '../settings/broker-settings.js';

/** Instants are whole seconds. */
const PRECISION_MS = 1_000;
const RELATIVE = [PropertyName.TIMER_DELAY_SEC, PropertyName.TIMER_DELAY_MS] as const;
const TIMED = [...RELATIVE, PropertyName.TIMER_DELIVER_MS] as const;

/** A message as it is stored, in its own topic or where it waits. */
export interface DelayedMessage {
  readonly message: StoreMessage;
  /** What its producer takes it back with; of timers only. */
  readonly recallHandle?: string;
}

/**
 * Sends messages that are to be delivered later to where they wait: `DELAY` to its level's queue, the 5.x properties to the
 * timers. Whoever stores a message for others asks here first. Matches handleScheduleMessage of Apache's HookUtils (5.x);
 * for levels asyncPutMessage of its CommitLog (4.9).
 */
@injectable()
export class MessageDelays {
  readonly #settings: BrokerSettings;
  readonly #clock: Clock;

  constructor(@inject(BrokerSettings) settings: BrokerSettings, @inject(Clock) clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** The message unchanged where its properties ask for no delay. */
  divert(message: StoreMessage): DelayedMessage | Refusal {
    const text = message.properties.toString();
    const properties = decodeProperties(text);
    const delay = properties[PropertyName.DELAY];
    // Java reads it as an int; what is none cannot be a level.
    if (delay !== undefined && !/^[+-]?\d{1,10}$/.test(delay)) {
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark: `the delay level ${delay} is no number` };
    }
    if (delay !== undefined && Number(delay) > 0) return { message: this.#toLevel(message, text, Number(delay)) };
    const isTimed = TIMED.some((name) => properties[name] !== undefined);
    // One that was in the wheel before is on its way to its topic.
    if (!isTimed || properties[PropertyName.TIMER_OUT_MS] !== undefined) return { message };
    if (!this.#settings.timerWheelEnable) {
      const remark = 'accurate timer message is not enabled, timerWheelEnable is false';
      return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    return this.#toTimers(message, text, properties);
  }

  #toLevel(message: StoreMessage, text: string, asked: number): StoreMessage {
    const level = Math.min(asked, this.#settings.delayLevelsMs.length);
    const kept = withoutProperties(text, level === asked ? TIMED : [...TIMED, PropertyName.DELAY]);
    const waiting = waitingProperties(message, level === asked ? kept : withProperties(kept, { DELAY: level }));
    return { ...message, topic: SystemTopic.SCHEDULE, queueId: level - 1, properties: Buffer.from(waiting) };
  }

  #toTimers(
    message: StoreMessage,
    text: string,
    properties: Readonly<Record<string, string | undefined>>,
  ): DelayedMessage | Refusal {
    const nowMs = this.#clock.now();
    const deliverMs = deliverTime(properties, nowMs);
    const isRecall = properties[PropertyName.TIMER_DEL_UNIQKEY] !== undefined;
    const maxMs = this.#settings.timerMaxDelaySec * 1_000;
    if (deliverMs === undefined || deliverMs - nowMs > maxMs || (isRecall && deliverMs <= nowMs)) {
      const remark =
        `timer message illegal, the delay time should not be bigger than the max delay ${maxMs}ms; ` +
        'or if set del msg, the delay time should be bigger than the current time';
      return { code: ResponseCode.MESSAGE_ILLEGAL, remark };
    }
    if (deliverMs <= nowMs) return { message };
    const outMs = Math.ceil(deliverMs / PRECISION_MS - 1) * PRECISION_MS;
    const waiting = waitingProperties(message, withProperties(text, { [PropertyName.TIMER_OUT_MS]: outMs }));
    const diverted = {
      ...message,
      topic: TIMER_TOPIC,
      queueId: 0,
      properties: Buffer.from(waiting),
      tagsCode: isRecall ? -outMs : outMs,
    };
    const messageId = properties[PropertyName.UNIQ_KEY];
    if (messageId === undefined || message.topic.startsWith(RETRY_TOPIC_PREFIX)) return { message: diverted };
    const { brokerName } = this.#settings;
    const timestamp = String(outMs + 1);
    return {
      message: diverted,
      recallHandle: formatRecallHandle({ topic: message.topic, brokerName, timestamp, messageId }),
    };
  }
}

function waitingProperties({ topic, queueId }: StoreMessage, text: string): string {
  return withProperties(withoutProperties(text, [PropertyName.REAL_TOPIC, PropertyName.REAL_QID]), {
    [PropertyName.REAL_TOPIC]: topic,
    [PropertyName.REAL_QID]: queueId,
  });
}

/** Undefined where one of them is no number. Seconds count before milliseconds, and both before an instant. */
function deliverTime(properties: Readonly<Record<string, string | undefined>>, nowMs: number): number | undefined {
  const { TIMER_DELAY_SEC, TIMER_DELAY_MS, TIMER_DELIVER_MS } = properties;
  if (TIMER_DELAY_SEC !== undefined) return sum(nowMs, 1_000, TIMER_DELAY_SEC);
  if (TIMER_DELAY_MS !== undefined) return sum(nowMs, 1, TIMER_DELAY_MS);
  return sum(0, 1, TIMER_DELIVER_MS);
}

function sum(fromMs: number, unitMs: number, text: string | undefined): number | undefined {
  if (text === undefined || !/^[+-]?\d{1,19}$/.test(text)) return undefined;
  return fromMs + unitMs * Number(text);
}
