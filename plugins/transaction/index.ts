import {
  type Plugin,
  type PluginHost,
  PropertyName,
  type RawMessage,
  RequestCode,
  ResourceNames,
  rocketMQError,
  type SendOptions,
  type TypedMessage,
} from '../../core/index.js';
import { Acquaintance } from './acquaintance.js';
import { resolveTransactionOptions } from './options.js';
import { RunningBranches } from './running-branches.js';
import { TransactionChecks } from './transaction-checks.js';
import {
  CALL,
  type InterceptedGroup,
  type TransactionCall,
  transactionInterceptor,
} from './transaction-interceptor.js';
import type { TransactionProducer, TransactionProducerOptions, TransactionSendResult } from './transaction-producer.js';
import { type Patience, waitAtMost } from './wait-at-most.js';

export type {
  Check,
  CheckedMessage,
  Execute,
  HalfMessage,
  TransactionProducer,
  TransactionProducerOptions,
  TransactionSendResult,
} from './transaction-producer.js';

/** What `mq.plugin(transactions)` gives. */
export interface Transactions {
  /**
   * A producer whose sends are transactions; as long as it is open this client answers brokers about those of its group.
   * @throws RMQ_OPTIONS_INVALID, RMQ_GROUP_DUPLICATE, RMQ_NOT_RUNNING
   */
  producer<A = void>(options: TransactionProducerOptions<A>): Promise<TransactionProducer<A>>;
}

interface Group extends InterceptedGroup {
  /** Set when the producer is made. */
  acquaintance: Acquaintance | undefined;
  readonly checks: TransactionChecks;
}

/**
 * RocketMQ's transactional messages: what is sent can be read when the local branch has committed, and never when it was
 * rolled back; a broker that does not hear how it ended asks.
 * @example
 * const transactions = transaction();
 * const mq = await connect({ nameServers, plugins: [transactions] });
 * const producer = await mq.plugin(transactions).producer<Order>({
 *   group: 'checkout',
 *   execute: async ({ transactionId }, order) => ((await pay(order, transactionId)) ? 'commit' : 'rollback'),
 *   check: async ({ transactionId }) => ((await isPaid(transactionId)) ? 'commit' : 'unknown'),
 * });
 * await producer.send({ topic: 'orders', body: JSON.stringify(order) }, order);
 */
export function transaction(): Plugin<Transactions> {
  return {
    name: 'transaction',
    setup(host) {
      const groups = new Map<string, Group>();
      host.interceptSend({
        before: 'check',
        create: ({ group, internal }) => {
          const known = internal ? undefined : groups.get(group);
          return known && transactionInterceptor(host, known, (topic) => namesOf(host).topicToWire(topic));
        },
      });
      host.handle(RequestCode.CHECK_TRANSACTION_STATE, async ({ body, ext }, address) => {
        const [message] = await host.readMessages(body, ext.bname ?? '');
        const wireGroup = message?.properties[PropertyName.PGROUP];
        const group = [...groups.values()].find((known) => known.wireGroup === wireGroup);
        if (message !== undefined && group !== undefined) group.checks.add({ message, ext, address });
        else host.logger.warn('a broker asked about a transaction of no group of this client', { wireGroup, address });
        return undefined;
      });
      host.onStop(async () => {
        await Promise.all([...groups.values()].map(endOf));
      });
      return { producer: (options) => createTransactionProducer(host, groups, options) };
    },
  };
}

async function createTransactionProducer<A>(
  host: PluginHost,
  groups: Map<string, Group>,
  given: TransactionProducerOptions<A>,
): Promise<TransactionProducer<A>> {
  const {
    producer: options,
    execute,
    check,
    topics,
    checkConcurrency,
    checkTimeoutMs,
  } = resolveTransactionOptions(given);
  const { group } = options;
  if (groups.has(group)) {
    const message = `This client has a transactional producer of group ${group} already`;
    throw rocketMQError('RMQ_GROUP_DUPLICATE', message, { group });
  }
  const wireGroup = namesOf(host).groupToWire(group);
  const checks = new TransactionChecks(host, {
    group,
    wireGroup,
    check,
    concurrency: checkConcurrency,
    timeoutMs: checkTimeoutMs,
  });
  const known: Group = {
    group,
    wireGroup,
    execute: execute as InterceptedGroup['execute'],
    running: new RunningBranches(),
    checks,
    acquaintance: undefined,
  };
  groups.set(group, known);
  const producer = await host.producer(options).catch((error: unknown) => {
    groups.delete(group);
    throw error;
  });
  known.acquaintance = new Acquaintance(host, producer, topics);
  void known.acquaintance.make();
  const close = async ({ timeoutMs, signal }: Patience = {}): Promise<void> => {
    const deadlineMs = timeoutMs === undefined ? undefined : host.clock.monotonic() + timeoutMs;
    const left = (): Patience => ({
      ...(deadlineMs !== undefined && { timeoutMs: Math.max(0, deadlineMs - host.clock.monotonic()) }),
      ...(signal !== undefined && { signal }),
    });
    await producer.close(left());
    if (groups.get(group) === known) groups.delete(group);
    if (await waitAtMost(host.clock, left(), endOf(known))) return;
    host.logger.warn('a transactional producer closed in the middle of its branches or checks', { group });
  };
  return {
    group,
    producer,
    send: (message: RawMessage | TypedMessage<unknown>, argument: A, sendOptions?: SendOptions) => {
      const call: TransactionCall = { argument };
      const slot = { key: CALL, value: call };
      const options =
        sendOptions === undefined ? { slots: [slot] } : { ...sendOptions, slots: [...(sendOptions.slots ?? []), slot] };
      // The interceptor makes it one of these.
      return producer.send(message as RawMessage, options) as Promise<TransactionSendResult>;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** Local branches that have outlived their sends, and checks that run: the broker has to hear how they end. */
async function endOf({ running, checks, acquaintance }: Group): Promise<void> {
  acquaintance?.close();
  await Promise.all([running.idle(), checks.close()]);
}

function namesOf(host: PluginHost): ResourceNames {
  return host.resolve(ResourceNames) as ResourceNames;
}
