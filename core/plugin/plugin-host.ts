import { rocketMQError } from '../errors/rocketmq-error.js';
import type { ReceivedMessage } from '../message/message.js';
import { type AttachSpec, type InterceptSend, toAttachment } from '../pipeline/attach.js';
import type { Producer } from '../producer/producer.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { CallbackHandler } from '../remoting/remoting-client.js';
import type { ConsumerMember } from '../routing/membership.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { Token } from '../runtime/token.js';
import { watchRejection } from '../runtime/watch-rejection.js';
import type { EndTransactionContext } from './end-transaction.js';
import {
  requireAttachment,
  requireBinding,
  requireCommand,
  requireFunction,
  requirePhase,
  requireRequestCode,
} from './host-checks.js';
import type { PluginHost, PluginProducerOptions, RegisteredGroup, RequestTarget } from './plugin.js';
import { pluginFailure } from './plugin-failure.js';
import { readThrough } from './read-interceptor.js';
import type { PluginRegistrations } from './registrations.js';

/** What hosts need of the running client; there is none before everything is resolved. */
export interface PluginRuntime {
  resolve<T>(token: Token<T>): T | undefined;
  invoke(
    target: RequestTarget,
    request: OutgoingCommand,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<RemotingCommand>;
  oneway(target: RequestTarget, request: OutgoingCommand, options: { readonly timeoutMs?: number }): Promise<void>;
  brokerAddress(brokerName: string): string | undefined;
  readMessages(records: Buffer, brokerName: string): Promise<readonly ReceivedMessage[]>;
  producer(plugin: string, options: PluginProducerOptions): Promise<Producer>;
  registerGroup(member: { readonly producer: string } | { readonly consumer: ConsumerMember }): RegisteredGroup;
}

export interface HostOptions {
  readonly plugin: string;
  readonly clientId: string;
  /** Default none. */
  readonly nameServers?: readonly string[];
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly registrations: PluginRegistrations;
  /** True until setup of all plugins is over. */
  readonly inSetup: () => boolean;
  readonly runtime: () => PluginRuntime | undefined;
  readonly onStart: (work: () => unknown) => void;
  readonly onStop: (work: () => unknown) => void;
}

/** The host as one plugin sees it. */
export function createPluginHost(options: HostOptions): PluginHost {
  const { plugin, registrations } = options;
  const setupOnly = <A extends readonly unknown[]>(
    name: string,
    work: (...values: A) => void,
  ): ((...values: A) => void) => {
    return (...values) => {
      if (!options.inSetup()) {
        throw pluginFailure(plugin, name, new Error(`${name} is possible only while setup runs`));
      }
      work(...values);
    };
  };
  const functionOnly = <F>(name: string, work: (given: F) => void): ((given: F) => void) =>
    setupOnly(name, (given: F) => {
      requireFunction(name, given);
      work(given);
    });
  const running = (name: string): PluginRuntime => {
    const runtime = options.runtime();
    if (runtime !== undefined) return runtime;
    throw rocketMQError(
      'RMQ_NOT_RUNNING',
      `Plugin ${plugin} called ${name} during setup; it works from onStart on`,
      { state: 'created' },
      { hint: `Call ${name} in host.onStart(() => …), or later.` },
    );
  };
  return {
    clientId: options.clientId,
    nameServers: options.nameServers ?? [],
    clock: options.clock,
    stepTimeoutMs: options.timeoutMs,
    logger: labelled(options.logger, plugin),
    interceptSend: setupOnly('interceptSend', (spec: AttachSpec) =>
      registrations.sends.push(toAttachment(plugin, spec)),
    ) as InterceptSend,
    interceptDelivery: setupOnly('interceptDelivery', (given) => {
      requireAttachment('interceptDelivery', given);
      registrations.deliveries.push({ plugin, order: given.order, create: given.create });
    }),
    filterDelivery: setupOnly('filterDelivery', (given) => {
      requireAttachment('filterDelivery', given);
      registrations.deliveryFilters.push({ plugin, order: given.order, create: given.create });
    }),
    interceptReply: functionOnly('interceptReply', (intercept) => registrations.replies.push({ plugin, intercept })),
    interceptRead: functionOnly('interceptRead', (intercept) => registrations.reads.push({ plugin, intercept })),
    interceptRequest: setupOnly('interceptRequest', (phase, interceptor) => {
      requirePhase(phase);
      requireFunction('interceptRequest', interceptor);
      registrations.addRequest(phase, plugin, interceptor);
    }),
    handle: setupOnly('handle', (code, handler) => {
      requireRequestCode(code);
      requireFunction('handle', handler);
      registrations.addHandler(code, plugin, named(plugin, code, handler));
    }),
    bind: setupOnly('bind', (token, part, given = {}) => {
      requireBinding(token, part, given);
      registrations.addBinding({ plugin, token, part, producers: given.producers });
    }),
    onSettled: functionOnly('onSettled', (listener) => registrations.settledListeners.push({ plugin, listener })),
    onEndTransaction: functionOnly('onEndTransaction', (listener) =>
      registrations.endTransactionListeners.push({ plugin, listener }),
    ),
    onStart: functionOnly('onStart', options.onStart),
    onStop: functionOnly('onStop', options.onStop),
    boundBy: (token) => registrations.binderOf(token),
    resolve: (token) => running('resolve').resolve(token),
    invoke: async (target, request, given = {}) => {
      requireCommand('invoke', request);
      return running('invoke').invoke(target, request, given);
    },
    oneway: (target, request, given = {}) =>
      promised(() => {
        requireCommand('oneway', request);
        return running('oneway').oneway(target, request, given);
      }),
    brokerAddress: (brokerName) => running('brokerAddress').brokerAddress(brokerName),
    readMessages: async (records, brokerName) => {
      const messages = await running('readMessages').readMessages(records, brokerName);
      return Promise.all(messages.map((message) => readThrough(registrations.reads, message, options)));
    },
    reportEndTransaction: (context) => tellEndTransaction(registrations, context, options.logger),
    producer: async (given) => running('producer').producer(plugin, given),
    registerGroup: (member) => running('registerGroup').registerGroup(member),
  };
}

/** A call as a promise that is the call's own: an async function would put another one around it. */
function promised<T>(call: () => Promise<T>): Promise<T> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}

function tellEndTransaction(
  { endTransactionListeners }: PluginRegistrations,
  context: EndTransactionContext,
  logger: Logger,
): void {
  for (const { plugin, listener } of endTransactionListeners) {
    const failed = (error: unknown): void =>
      logger.error('A plugin threw when it was told of the end of a transaction', { plugin, error });
    try {
      watchRejection(listener(context), failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** What a handler throws carries the name of its plugin. */
function named(plugin: string, code: number, handler: CallbackHandler): CallbackHandler {
  return async (request, address) => {
    try {
      const answer = await handler(request, address);
      if (answer) requireCommand('handle', answer);
      return answer;
    } catch (error) {
      throw pluginFailure(plugin, `its answer to request ${code}`, error);
    }
  };
}

function labelled(logger: Logger, plugin: string): Logger {
  const with_ = (fields: Readonly<Record<string, unknown>> | undefined) => ({ ...fields, plugin });
  return {
    debug: (message, fields) => logger.debug(message, with_(fields)),
    info: (message, fields) => logger.info(message, with_(fields)),
    warn: (message, fields) => logger.warn(message, with_(fields)),
    error: (message, fields) => logger.error(message, with_(fields)),
  };
}
