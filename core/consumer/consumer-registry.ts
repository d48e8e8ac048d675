import type { RemotingClient } from '../remoting/remoting-client.js';
import type { Logger } from '../runtime/logger.js';

/** NOTIFY_CONSUMER_IDS_CHANGED: the members of a group are others now (protocol §2.12). */
const NOTIFY_CONSUMER_IDS_CHANGED = 40;

/** A consumer as requests of a broker find it. */
export interface RegisteredConsumer {
  /** The group on the wire. */
  readonly group: string;
  /** Members joined or left. */
  onMembersChanged(): void;
}

/** The running consumers of one client, so that one answerer a request code serves them all. */
export interface ConsumerRegistry {
  /** Returns a way to take it out again. */
  add(consumer: RegisteredConsumer): () => void;
}

/** Makes the registry of a client and lets it answer what brokers send to consumers. Once per RemotingClient. */
export function createConsumerRegistry(remoting: RemotingClient, logger: Logger): ConsumerRegistry {
  const consumers = new Set<RegisteredConsumer>();
  remoting.handle(NOTIFY_CONSUMER_IDS_CHANGED, (request, address) => {
    const group = request.ext.consumerGroup;
    logger.debug('the members of a consumer group changed', { group, address });
    for (const consumer of consumers) {
      if (consumer.group === group) consumer.onMembersChanged();
    }
    return undefined;
  });
  return {
    add(consumer) {
      consumers.add(consumer);
      return () => consumers.delete(consumer);
    },
  };
}
