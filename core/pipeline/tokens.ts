import { type Token, token } from '../runtime/token.js';
import type { ProducerFacts } from './interceptor.js';
import type { PipelineOptions } from './options.js';
import type { CheckStage, CompressStage, RouteStage, SelectStage, TransmitStage, UpdateFaultStage } from './stage.js';

/** One token a stage, in order. Bound transient and resolved once per producer. */
export const SendStage = {
  check: token<CheckStage>('SendStage.check'),
  route: token<RouteStage>('SendStage.route'),
  select: token<SelectStage>('SendStage.select'),
  compress: token<CompressStage>('SendStage.compress'),
  send: token<TransmitStage>('SendStage.send'),
  updateFault: token<UpdateFaultStage>('SendStage.updateFault'),
} as const;

/** What the parts of one producer's pipeline know of that producer; bound in its child container. */
export interface ProducerScope {
  readonly facts: ProducerFacts;
  readonly options: PipelineOptions;
  /** @throws RMQ_NOT_RUNNING naming the producer's state */
  requireRunning(): void;
  /** 0 included to 1 excluded. */
  readonly random: () => number;
}

export const ProducerScope: Token<ProducerScope> = token('ProducerScope');

/** The plugin that has put its own part in the place of this one for that producer; undefined where it is the client's. */
export type BoundBy = (part: Token<unknown>, producer: ProducerFacts) => string | undefined;

/** Resolves one part from a producer's child container. */
export type ResolveFromScope = <T>(part: Token<T>) => T;
