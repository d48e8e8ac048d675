import { from, type Observable } from 'rxjs';
import type { SendContext } from './context.js';
import type { SendInterceptor } from './interceptor.js';
import type { SendResult } from './send-result.js';

/** An interceptor as an asynchronous function: `next` gives a promise of the result. */
export type AsyncSendInterceptor<In extends SendContext, Out extends SendContext = In> = (
  context: In,
  next: (context: Out) => Promise<SendResult>,
) => Promise<SendResult>;

/**
 * Makes an interceptor of an asynchronous function, for people without RxJS. It costs a few promises a send; while the
 * function waits, the send can time out or be cancelled (`context.signal` tells it), and what it does later is ignored.
 * @example
 * create: () => fromAsync(async (context, next) => {
 *   const result = await next(context);
 *   await audit(result.msgId);
 *   return result;
 * })
 */
export function fromAsync<In extends SendContext, Out extends SendContext = In>(
  interceptor: AsyncSendInterceptor<In, Out>,
): SendInterceptor<In, Out> {
  return (context, next) => from(interceptor(context, (changed) => promiseOf(next(changed))));
}

function promiseOf(rest: Observable<SendResult>): Promise<SendResult> {
  const promise = new Promise<SendResult>((resolve, reject) => {
    rest.subscribe({ next: resolve, error: reject });
  });
  // A function that waits for something else when the send times out must not leave a rejection unhandled.
  promise.catch(() => undefined);
  return promise;
}
