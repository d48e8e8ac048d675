import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import type { StageName } from './interceptor.js';
import type { SendResult } from './send-result.js';

interface EventFacts {
  readonly topic: string;
  readonly msgId: string;
  /** Fractional milliseconds on a scale that never goes back; only differences mean something. */
  readonly atMs: number;
  /** The messages of a batch as its caller gave them; its `msgId` is theirs, joined by commas. Undefined for a single one. */
  readonly batch?: readonly OutgoingMessage[] | undefined;
}

/** A step of one send. Attempts count from 1; 0 means before the first. */
export type StageEvent =
  /** The send entered a stage. */
  | (EventFacts & { readonly type: 'stage'; readonly stage: StageName; readonly attempt: number })
  /** A queue was chosen and an attempt begins. */
  | (EventFacts & { readonly type: 'attempt'; readonly attempt: number; readonly queue: MessageQueue })
  /** An attempt failed (`final: false`; another may follow), or the whole send did (`final: true`). */
  | (EventFacts & {
      readonly type: 'failed';
      readonly attempt: number;
      readonly error: unknown;
      readonly final: boolean;
    })
  /** The send ended well. */
  | (EventFacts & { readonly type: 'done'; readonly attempt: number; readonly result: SendResult });
