import { tap } from 'rxjs';
import {
  type Clock,
  type ConsumeReturnType,
  type DeliveryContext,
  type DeliveryInterceptor,
  type DeliveryOutcome,
  type MessageOutcome,
  outcomeOf,
  PropertyName,
  type ReceivedMessage,
  type UniqueIdGenerator,
} from '../../core/index.js';
import type { TraceReporter } from './trace-reporter.js';

export interface SubInterceptorParts {
  readonly reporter: TraceReporter;
  readonly clock: Clock;
  readonly ids: UniqueIdGenerator;
  /** Of messages that do not name theirs: those of a 4.9 broker with its default settings. */
  readonly region: string | undefined;
  /** How long the consumer lets a handler take. */
  readonly consumeTimeoutMs: number | undefined;
}

/**
 * Reports when a handler gets messages and when it has ended with them, as Java's ConsumeMessageTraceHookImpl does: one record a
 * message, with one request id for the call. Messages whose broker says TRACE_ON=false are left out.
 */
export function subInterceptor(parts: SubInterceptorParts): DeliveryInterceptor {
  const { reporter, clock, ids, consumeTimeoutMs = Number.POSITIVE_INFINITY } = parts;
  return (context, next) => {
    const { group, messages } = context;
    const traced = messages.map((message, index) => ({ message, index })).filter((one) => isTraced(one, reporter));
    if (traced.length === 0) return next(context);
    const timestamp = clock.now();
    const requestId = ids.next(timestamp);
    for (const { message } of traced) {
      const retryTimes = retryTimesOf(message, context);
      reporter.report({
        type: 'SubBefore',
        timestamp,
        group,
        requestId,
        retryTimes,
        ...factsOf(message, parts.region),
      });
    }
    const startMs = clock.monotonic();
    const onEnd = (outcome: DeliveryOutcome): void => {
      const elapsedMs = clock.monotonic() - startMs;
      const costMs = Math.floor(elapsedMs / messages.length);
      const endTimestamp = clock.now();
      for (const { message, index } of traced) {
        const returnType = returnTypeOf(outcomeOf(outcome, index), elapsedMs >= consumeTimeoutMs);
        const success = returnType === 'SUCCESS';
        const end = { timestamp: endTimestamp, group, requestId, costMs, success, returnType };
        reporter.report({ type: 'SubAfter', ...end, ...factsOf(message, parts.region) });
      }
    };
    return next(context).pipe(tap(onEnd));
  };
}

function factsOf({ msgId, topic, properties }: ReceivedMessage, region: string | undefined) {
  const regionId = properties[PropertyName.MSG_REGION] ?? region;
  return { msgId, topic, regionId, keys: properties[PropertyName.KEYS] };
}

function isTraced({ message }: { readonly message: ReceivedMessage }, reporter: TraceReporter): boolean {
  return message.properties[PropertyName.TRACE_ON] !== 'false' && reporter.traces(message.topic);
}

/** A handler that is called again for the same message has failed before, though the broker does not know of it. */
function retryTimesOf({ reconsumeTimes }: ReceivedMessage, { attempt, messages }: DeliveryContext): number {
  return messages.length === 1 ? Math.max(reconsumeTimes, attempt) : reconsumeTimes;
}

/**
 * A handler that throws is Java's EXCEPTION, one that asks for another try or gives a message up its FAILED (RECONSUME_LATER).
 * One that took too long is TIME_OUT whatever it made of the message: that comes again.
 */
function returnTypeOf(outcome: MessageOutcome, timedOut: boolean): ConsumeReturnType {
  if (outcome.kind !== 'ack' && outcome.error !== undefined) return 'EXCEPTION';
  if (timedOut) return 'TIME_OUT';
  return outcome.kind === 'ack' ? 'SUCCESS' : 'FAILED';
}
