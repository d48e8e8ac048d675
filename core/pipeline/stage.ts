import type { Observable } from 'rxjs';
import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import type { PublishInfo } from '../routing/topic-route.js';
import type {
  AttemptContext,
  AttemptOutcome,
  CreatedContext,
  EncodedContext,
  Payload,
  RoutedContext,
  SendContext,
  SettledContext,
} from './context.js';
import type { SendHandler } from './interceptor.js';
import type { SendResult } from './send-result.js';

/**
 * A stage is an interceptor that refines the context: created, routed, attempt, encoded, settled. Each is a class under
 * a token of its own (see `SendStage`), so that a plugin can bind another. Refining a context may change the object it was
 * called on: a stage passes on what it got back and does not touch the one before again, `attempted` apart.
 */
export interface Stage<In extends SendContext, Out extends SendContext> {
  run(context: In, next: SendHandler<Out>): Observable<SendResult>;
}

/** What the route stage is given. */
export interface RouteInput extends CreatedContext {
  /** The context of the gap after `route`. */
  routed(publishInfo: PublishInfo): RoutedContext;
}

/** What the select stage is given. */
export interface SelectInput extends RoutedContext {
  /** A fresh attempt with the next number. */
  attempted(queue: MessageQueue, publishInfo: PublishInfo): AttemptContext;
}

/** What the compress stage is given. */
export interface CompressInput extends AttemptContext {
  encoded(payload: Payload): EncodedContext;
}

/** What the send stage is given. */
export interface SendInput extends EncodedContext {
  settled(outcome: AttemptOutcome): SettledContext;
}

/** Stage 1. `validate` is asked again when an interceptor replaces the message after the stage has passed. */
export interface CheckStage extends Stage<CreatedContext, CreatedContext> {
  /** @throws RMQ_MESSAGE_ILLEGAL */
  validate?(message: OutgoingMessage): void;
}
/** Stage 2. */
export type RouteStage = Stage<RouteInput, RoutedContext>;
/** Stage 3, the retry loop: the only one that may call `next` again, once the attempt before has ended. */
export type SelectStage = Stage<SelectInput, AttemptContext>;
/** Stage 4. */
export type CompressStage = Stage<CompressInput, EncodedContext>;
/** Stage 5. Never errors: it calls `next` with the outcome in the context. */
export type TransmitStage = Stage<SendInput, SettledContext>;
/** Stage 6, the end of the chain: it never calls `next`. */
export type UpdateFaultStage = Stage<SettledContext, SettledContext>;
