import { type Plugin, PropertyName, RequestCode, ResourceNames, rocketMQError } from '../../core/index.js';
import { GroupProducer } from './group-producer.js';
import { resolveTransactionOptions } from './options.js';
import { TransactionGroup } from './transaction-group.js';
import { transactionInterceptor } from './transaction-interceptor.js';
import type { TransactionProducer, TransactionProducerOptions } from './transaction-producer.js';

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
      /** By name, as the application writes it. */
      const groups = new Map<string, TransactionGroup>();
      let names: ResourceNames | undefined;
      host.interceptSend({
        before: 'check',
        create: ({ group: name, internal }) => {
          const group = internal ? undefined : groups.get(name);
          return group && transactionInterceptor(host, group);
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
      host.onStart(() => {
        names = host.resolve(ResourceNames);
      });
      host.onStop(() => Promise.all([...groups.values()].map((group) => group.close())));
      return {
        async producer<A>(given: TransactionProducerOptions<A>): Promise<TransactionProducer<A>> {
          const options = resolveTransactionOptions(given);
          const { group: name } = options.producer;
          if (groups.has(name)) {
            const message = `This client has a transactional producer of group ${name} already`;
            throw rocketMQError('RMQ_GROUP_DUPLICATE', message, { group: name });
          }
          const group = new TransactionGroup(host, names as ResourceNames, options);
          const leave = (): void => {
            if (groups.get(name) === group) groups.delete(name);
          };
          // Known before the producer is made, which asks for its interceptors.
          groups.set(name, group);
          try {
            const producer = await host.producer(options.producer);
            group.introduce(producer);
            return new GroupProducer<A>(host, producer, group, leave);
          } catch (error) {
            leave();
            throw error;
          }
        },
      };
    },
  };
}
