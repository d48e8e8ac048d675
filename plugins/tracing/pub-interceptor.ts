import {
  type Clock,
  type OutgoingMessage,
  PropertyName,
  type PubRecord,
  type SendInterceptor,
  type SendResult,
  type SettledContext,
  type TracedMessageType,
} from '../../core/index.js';
import type { TraceReporter } from './trace-reporter.js';

/**
 * Reports each attempt that a broker answered with a result, as Java's SendMessageTraceHookImpl does: not one that failed, and
 * no oneway send, of which nobody knows how it ended. It adds no operator and changes nothing.
 */
export function pubInterceptor(reporter: TraceReporter, clock: Clock): SendInterceptor<SettledContext> {
  return (context, next) => {
    const { outcome, topic } = context;
    if (outcome.kind === 'result') {
      const { result } = outcome;
      if (result.traceOn && result.status !== 'HANDED_OVER' && reporter.traces(topic)) {
        const costMs = Math.round(outcome.elapsedMs);
        report(reporter, context, result, clock.now() - costMs, costMs);
      }
    }
    return next(context);
  };
}

function report(
  reporter: TraceReporter,
  context: SettledContext,
  result: SendResult,
  timestamp: number,
  costMs: number,
): void {
  const { message, batch, send, topic } = context;
  const of = (one: OutgoingMessage, msgId: string, offsetMsgId: string | undefined, bytes: number): PubRecord => ({
    type: 'Pub',
    timestamp,
    regionId: result.regionId,
    group: send.producerGroup,
    topic,
    msgId,
    tag: one.tag,
    keys: keysText(one.keys),
    storeHost: context.broker.address,
    bodyLengthBytes: bytes,
    costMs,
    messageType: messageTypeOf(one),
    offsetMsgId,
    success: result.status === 'SEND_OK',
    clientHost: undefined,
  });
  if (batch === undefined) {
    reporter.report(of(message, result.msgId, result.offsetMsgId, context.payload.body.byteLength));
    return;
  }
  // Java writes one record with all ids joined by commas, which no look-up by the id of a message finds.
  const msgIds = result.msgId.split(',');
  const offsetMsgIds = result.offsetMsgId?.split(',') ?? [];
  for (const [index, one] of batch.entries()) {
    reporter.report(of(one, msgIds[index] ?? result.msgId, offsetMsgIds[index], bodyLength(one.body)));
  }
}

/** As they are stored; undefined for none. */
export function keysText(keys: OutgoingMessage['keys']): string | undefined {
  const text = typeof keys === 'string' || keys === undefined ? keys : keys.join(' ');
  return text === '' ? undefined : text;
}

function messageTypeOf(message: OutgoingMessage): TracedMessageType {
  const { delay, delayLevel, deliverAt, properties, systemProperties } = message;
  if (delay !== undefined || deliverAt !== undefined || (delayLevel ?? 0) > 0) return 'Delay_Msg';
  if (properties?.[PropertyName.START_DELIVER_TIME] !== undefined) return 'Delay_Msg';
  return systemProperties?.[PropertyName.TRAN_MSG] === 'true' ? 'Trans_Msg_Half' : 'Normal_Msg';
}

function bodyLength(body: Uint8Array | string): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
}
