import type { MessageQueue } from '../message/message.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Logger } from '../runtime/logger.js';
import { BrokerRequests } from './broker-requests.js';
import { queueKey } from './consumed-queue.js';
import type { OffsetStore, OffsetStoreFactory } from './offset-store.js';

interface Position {
  readonly queue: MessageQueue;
  offset: number;
  /** As the broker confirmed it; undefined before the first time. */
  stored: number | undefined;
  /** Ends when the latest request for it has; undefined before the first. */
  storing: Promise<void> | undefined;
}

/**
 * Offsets at the brokers, where a clustering group has them. Unlike Java, which sends them oneway, every position is
 * confirmed: what did not arrive goes out again at the next turn, and a member that leaves knows that its successor
 * reads what it left. Matches Apache's RemoteBrokerOffsetStore otherwise.
 */
export class RemoteOffsetStore implements OffsetStore {
  readonly #requests: BrokerRequests;
  readonly #group: string;
  readonly #logger: Logger;
  readonly #onPersisted: ((queue: MessageQueue, offset: number) => void) | undefined;
  readonly #positions = new Map<string, Position>();
  /** By topic and broker: ends when the group's first offset there is stored. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(
    requests: BrokerRequests,
    group: string,
    logger: Logger,
    onPersisted?: (queue: MessageQueue, offset: number) => void,
  ) {
    this.#requests = requests;
    this.#group = group;
    this.#logger = logger;
    this.#onPersisted = onPersisted;
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return this.#requests.consumerOffset(queue);
  }

  update(queue: MessageQueue, offset: number): void {
    const key = queueKey(queue);
    const position = this.#positions.get(key);
    if (position === undefined) this.#positions.set(key, { queue, offset, stored: undefined, storing: undefined });
    else position.offset = offset;
  }

  async persist(queues?: readonly MessageQueue[]): Promise<void> {
    const positions =
      queues === undefined
        ? [...this.#positions.values()]
        : queues.map((queue) => this.#positions.get(queueKey(queue))).filter((position) => position !== undefined);
    const changed = positions.filter(({ offset, stored }) => offset !== stored);
    await Promise.all(changed.map((position) => this.#storeBehindFirst(position)));
  }

  /**
   * The first offset of a topic at a broker goes alone: Apache's broker makes a table for it, and of two requests that find
   * none it keeps the table of one, so that the other's offset is confirmed and lost.
   */
  async #storeBehindFirst(position: Position): Promise<void> {
    const key = `${position.queue.topic}\n${position.queue.brokerName}`;
    const opening = this.#opening.get(key);
    if (opening === undefined) {
      const first = this.#store(position);
      this.#opening.set(key, first);
      return first;
    }
    await opening;
    return this.#store(position);
  }

  remove(queue: MessageQueue): void {
    this.#positions.delete(queueKey(queue));
  }

  /**
   * One request at a time for a queue: a broker works on requests side by side, and of two that are under way the older
   * offset could be the one that stays.
   */
  #store(position: Position): Promise<void> {
    const storing =
      position.storing === undefined ? this.#send(position) : position.storing.then(() => this.#send(position));
    position.storing = storing;
    return storing;
  }

  async #send(position: Position): Promise<void> {
    const { queue, offset } = position;
    if (offset === position.stored) return;
    try {
      await this.#requests.storeConsumerOffset(queue, offset);
      position.stored = offset;
      this.#onPersisted?.(queue, offset);
    } catch (error) {
      this.#logger.warn('an offset could not be stored; it is sent again at the next turn', {
        group: this.#group,
        ...queue,
        offset,
        error,
      });
    }
  }
}

/** The offset store of clustering consumers. `requestTimeoutMs` defaults to 3,000. */
export function createRemoteOffsetStoreFactory(services: {
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly logger: Logger;
  readonly requestTimeoutMs?: number;
}): OffsetStoreFactory {
  const { routes, remoting, logger, requestTimeoutMs = 3_000 } = services;
  return ({ group, onPersisted }) =>
    new RemoteOffsetStore(new BrokerRequests(group, routes, remoting, requestTimeoutMs), group, logger, onPersisted);
}
