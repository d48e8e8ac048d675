import type { Observable } from 'rxjs';
import type {
  AttemptContext,
  CreatedContext,
  EncodedContext,
  RoutedContext,
  SendContext,
  SettledContext,
} from './context.js';
import type { SendResult } from './send-result.js';

/** The rest of the chain. Does its work when called; the Observable is subscribed once and ends in one result or one error. */
export type SendHandler<C> = (context: C) => Observable<SendResult>;

/**
 * The one shape of everything in the pipeline, stages included. Code before `next` is "before", operators on what it
 * returns are "after", not calling it is a veto, passing on another context is a change.
 */
export type SendInterceptor<In extends SendContext, Out extends SendContext = In> = (
  context: In,
  next: SendHandler<Out>,
) => Observable<SendResult>;

/** The six stages, in order. */
export const STAGE_NAMES = ['check', 'route', 'select', 'compress', 'send', 'updateFault'] as const;
/** A stage by its name: `check`, `route`, `select`, `compress`, `send`, `updateFault`. */
export type StageName = (typeof STAGE_NAMES)[number];

/** What an interceptor sees in the gap before each stage. */
export interface ContextBefore {
  check: CreatedContext;
  route: CreatedContext;
  select: RoutedContext;
  compress: AttemptContext;
  send: EncodedContext;
  updateFault: SettledContext;
}

/** What an interceptor sees in the gap after each stage; nothing comes after `updateFault`. */
export interface ContextAfter {
  check: CreatedContext;
  route: RoutedContext;
  select: AttemptContext;
  compress: EncodedContext;
  send: SettledContext;
}

/** Order among plugins in one gap, by plugin name; then the order of registration. */
export interface InterceptorOrder {
  readonly before?: readonly string[];
  readonly after?: readonly string[];
}

/** The producer as `create` sees it when the chain is composed. */
export interface ProducerFacts {
  readonly group: string;
  /** True for producers that plugins use themselves; they carry no plugins. */
  readonly internal: boolean;
}

/** One interceptor at its gap, as the plugin host collects them and the pipeline composes them. */
export interface SendAttachment {
  readonly plugin: string;
  /** The stage whose gap before it is meant (`after: 'check'` is stored as `before: 'route'`). */
  readonly beforeStage: StageName;
  readonly order: InterceptorOrder | undefined;
  /** Undefined leaves this producer alone. */
  // biome-ignore lint/suspicious/noExplicitAny: the gap's types were checked where it was attached
  readonly create: (producer: ProducerFacts) => SendInterceptor<any> | undefined;
}
