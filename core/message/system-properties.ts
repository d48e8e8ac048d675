import { rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingMessage, Properties } from './message.js';
import { PropertyName, RESERVED_PROPERTY_NAMES } from './property-names.js';
import { RETRY_TOPIC_PREFIX } from './system-topics.js';
import { textProblem } from './text-rules.js';

/** System properties that a message has a field for, so that there is one way to set them. */
const FIELD_OF: ReadonlyMap<string, string> = new Map<string, string>([
  [PropertyName.TAGS, 'tag'],
  [PropertyName.KEYS, 'keys'],
  [PropertyName.WAIT, 'waitStored'],
  [PropertyName.DELAY, 'delayLevel'],
  [PropertyName.TIMER_DELAY_SEC, 'delay'],
  [PropertyName.TIMER_DELAY_MS, 'delay'],
  [PropertyName.TIMER_DELIVER_MS, 'deliverAt'],
]);
/** Those that are read as an int. */
const COUNTS: readonly string[] = [PropertyName.RECONSUME_TIME, PropertyName.MAX_RECONSUME_TIMES];

/** @throws RMQ_MESSAGE_ILLEGAL (field `systemProperties.<name>`) */
export function validateSystemProperties(systemProperties: Properties, topic: string): void {
  for (const [name, value] of Object.entries(systemProperties)) {
    const problem = systemPropertyProblem(name, value);
    if (problem === undefined) continue;
    const fields = { field: `systemProperties.${name}`, topic };
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', `The system property ${JSON.stringify(name)} ${problem}`, fields);
  }
}

function systemPropertyProblem(name: string, value: unknown): string | undefined {
  if (name === PropertyName.UNIQ_KEY) return 'is the id that each send makes';
  const field = FIELD_OF.get(name);
  if (field !== undefined) return `is set by the message's field ${field}`;
  if (!RESERVED_PROPERTY_NAMES.has(name)) return 'is none of the protocol; an own one belongs in properties';
  if (typeof value !== 'string' || value === '') return 'has to have text as its value';
  if (COUNTS.includes(name) && !(/^\d{1,10}$/.test(value) && Number(value) <= 0x7fffffff)) {
    return `has to be a count, it is ${JSON.stringify(value)}`;
  }
  const problem = textProblem(value);
  return problem === undefined ? undefined : `has a value that ${problem}`;
}

/** How often consumption of a message failed, and how often it may, as the header of a send says it. */
export interface ReconsumeTimes {
  readonly reconsumeTimes: number;
  /** Undefined: the group's own setting counts. */
  readonly maxReconsumeTimes: number | undefined;
}

const NEVER_CONSUMED: ReconsumeTimes = { reconsumeTimes: 0, maxReconsumeTimes: undefined };

/**
 * What goes from the properties RECONSUME_TIME and MAX_RECONSUME_TIMES to the header of a send to a group's retry topic;
 * they stay in the properties too. On other topics they mean nothing. Matches Apache's DefaultMQProducerImpl.sendKernelImpl.
 */
export function reconsumeTimesOf({ systemProperties }: OutgoingMessage, wireTopic: string): ReconsumeTimes {
  if (systemProperties === undefined || !wireTopic.startsWith(RETRY_TOPIC_PREFIX)) return NEVER_CONSUMED;
  const count = (name: string) => (systemProperties[name] === undefined ? undefined : Number(systemProperties[name]));
  return {
    reconsumeTimes: count(PropertyName.RECONSUME_TIME) ?? 0,
    maxReconsumeTimes: count(PropertyName.MAX_RECONSUME_TIMES),
  };
}
