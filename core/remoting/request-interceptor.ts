import type { Observable } from 'rxjs';
import type { RemotingCommand } from './protocol/remoting-command.js';

/**
 * A request on its way out, as interceptors of raw requests see it. Another context is derived by spreading this one:
 * `next({ ...context, body })`; it carries what the client needs to know the request again.
 */
export interface RequestContext {
  readonly address: string;
  readonly code: number;
  readonly oneway: boolean;
  /** Header fields as strings; interceptors may add to them (a signature, a namespace). */
  readonly ext: Map<string, string>;
  readonly body: Uint8Array | undefined;
  readonly remark?: string | undefined;
}

/**
 * Ends in exactly one value: the response, or undefined for a oneway request that was handed over. The request leaves
 * when the Observable is subscribed, once: a request may not be idempotent, so trying again is for those who know.
 */
export type RequestHandler = (context: RequestContext) => Observable<RemotingCommand | undefined>;
/** Attached by plugins in two phases: `decorate` (any number), then `sign` (at most one, innermost). */
export type RequestInterceptor = (
  context: RequestContext,
  next: RequestHandler,
) => Observable<RemotingCommand | undefined>;

export interface RequestInterceptors {
  readonly decorate: readonly { readonly plugin: string; readonly interceptor: RequestInterceptor }[];
  readonly sign?: { readonly plugin: string; readonly interceptor: RequestInterceptor };
}
