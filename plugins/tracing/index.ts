import { type EndTransactionContext, type Plugin, UniqueIdGenerator } from '../../core/index.js';
import { BrokerTraceDispatcher } from './broker-dispatcher.js';
import { resolveTracingOptions, type TracingOptions } from './options.js';
import { keysText, pubInterceptor } from './pub-interceptor.js';
import { startDispatcher } from './start-dispatcher.js';
import { subInterceptor } from './sub-interceptor.js';
import { TraceDispatcher } from './trace-dispatcher.js';
import { TraceReporter } from './trace-reporter.js';

export type { TracingOptions } from './options.js';
export { TraceDispatcher } from './trace-dispatcher.js';

/** What tracing tells of itself. A record is one step of one message. */
export interface Tracing {
  /** Records handed to the dispatcher. */
  readonly traced: number;
  /** Records that it had no room for, or that came while none ran. */
  readonly dropped: number;
  /** Records that it took and could not deliver. */
  readonly lost: number;
  /** Delivers what waits. */
  flush(): Promise<void>;
}

/**
 * RocketMQ's message trace: who sent each message and how long that took, who handled it when and how that ended, and how
 * transactions ended. Java's tools and dashboards read it, and so does `mq.admin.trace(msgId)`.
 * @throws RMQ_OPTIONS_INVALID
 * @example
 * const mq = await connect({ nameServers, plugins: [tracing()] });
 */
export function tracing(options: TracingOptions = {}): Plugin<Tracing> {
  const resolved = resolveTracingOptions(options);
  return {
    name: 'tracing',
    setup(host) {
      const reporter = new TraceReporter(resolved.traceTopic, host.logger);
      const sending = pubInterceptor(reporter, host.clock);
      host.interceptSend({ before: 'updateFault', create: () => sending });
      host.interceptDelivery({
        create: ({ consumeTimeoutMs }) => {
          const ids = host.resolve(UniqueIdGenerator) as UniqueIdGenerator;
          return subInterceptor({ reporter, clock: host.clock, ids, region: resolved.region, consumeTimeoutMs });
        },
      });
      host.onEndTransaction((context) => reportEndTransaction(reporter, context, host.clock.now()));
      host.onStart(async () => {
        const make = () => host.resolve(TraceDispatcher) ?? new BrokerTraceDispatcher(resolved, host);
        const boundBy = host.boundBy(TraceDispatcher);
        const dispatcher = await startDispatcher(make, host, boundBy);
        if (dispatcher !== undefined) reporter.use(dispatcher, boundBy);
      });
      host.onStop(() => reporter.close());
      return {
        get traced() {
          return reporter.traced;
        },
        get dropped() {
          return reporter.dropped;
        },
        get lost() {
          return reporter.lost;
        },
        flush: () => reporter.flush(),
      };
    },
  };
}

/** Matches Apache's EndTransactionTraceHookImpl. */
function reportEndTransaction(reporter: TraceReporter, context: EndTransactionContext, timestamp: number): void {
  const { message, msgId, transactionId, transactionState, fromTransactionCheck, regionId } = context;
  if (!reporter.traces(message.topic)) return;
  reporter.report({
    type: 'EndTransaction',
    timestamp,
    regionId,
    group: context.producerGroup,
    topic: message.topic,
    msgId,
    tag: message.tag,
    keys: keysText(message.keys),
    storeHost: context.brokerAddress,
    transactionId,
    transactionState,
    fromTransactionCheck,
  });
}
