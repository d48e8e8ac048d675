import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import { isBytes } from '../runtime/is-bytes.js';
import type { Payload } from './context.js';

/** What `context.with` takes, in all gaps together. */
export interface ContextChange {
  readonly topic?: string;
  readonly message?: OutgoingMessage;
  readonly batch?: readonly OutgoingMessage[];
  readonly queue?: MessageQueue;
  readonly payload?: Payload;
}

type Expected = readonly [is: (value: never) => boolean, words: string];

/** What each change has to be, besides what stage 1 says of messages; undefined leaves what is there. */
const CHANGES: Readonly<Record<string, Expected>> = {
  topic: [(topic: unknown) => typeof topic === 'string', 'text'],
  message: [(message: unknown) => message !== null, 'a message'],
  batch: [(batch: unknown) => Array.isArray(batch), 'a list of messages'],
  queue: [isQueue, 'a queue with topic, brokerName and queueId'],
  payload: [isPayload, '{ body, sysFlag } with bytes as its body and a whole number'],
} satisfies Record<keyof ContextChange, Expected>;

/** The rule that a change breaks which the compiler would have refused; undefined for none. */
export function brokenBy(change: ContextChange): string | undefined {
  if (typeof change !== 'object' || change === null) return 'with() takes an object';
  for (const name in change) {
    const known = Object.hasOwn(CHANGES, name) ? CHANGES[name] : undefined;
    if (known === undefined) return `with() changes ${Object.keys(CHANGES).join(', ')}, and no ${name}`;
    const value = change[name as keyof ContextChange];
    const [is, words] = known;
    if (value !== undefined && !is(value as never)) return `with() takes as ${name} ${words}`;
  }
  return undefined;
}

function isQueue(queue: MessageQueue | null): boolean {
  const { topic, brokerName, queueId } = queue ?? {};
  return typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
}

function isPayload(payload: Payload | null): boolean {
  const { body, sysFlag } = payload ?? {};
  return isBytes(body) && Number.isInteger(sysFlag);
}
