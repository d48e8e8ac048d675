import type { RocketMQError } from '../errors/rocketmq-error.js';
import type { SendFacts } from './context.js';
import type { SendResult } from './send-result.js';

/** How a whole send ended. */
export type SendOutcome =
  | { readonly kind: 'result'; readonly result: SendResult }
  | { readonly kind: 'failure'; readonly error: RocketMQError };

/** Told once after each send, whatever its end: the cheapest way to watch. What it throws is logged under its name. */
export interface SettledListener {
  readonly plugin: string;
  readonly listener: (send: SendFacts, topic: string, outcome: SendOutcome) => void;
}
