import type { MessageQueue } from '../../message/message.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { RouteTable } from '../../routing/route-table.js';
import type { Logger } from '../../runtime/logger.js';
import { BrokerRequests } from '../broker-requests.js';
import { queueKey } from '../queues/consumed-queue.js';
import type { OffsetStore, OffsetStoreFactory } from './offset-store.js';

/**
 * A broker that is restarted after a kill has forgotten what it took in its last seconds, and Apache's forgets one of two
 * offsets that are the first of a group and meet. So an offset that did not change counts as stored when it was confirmed twice, at
 * two turns, over connections that were not lost since; without an offset the next member would begin at the end.
 */
const CONFIRMATIONS = 2;

interface Position {
  readonly queue: MessageQueue;
  offset: number;
  /** As the broker confirmed it last; undefined before the first time. */
  stored: number | undefined;
  /** How often the broker has confirmed it since a connection to it was lost. */
  confirmations: number;
  /** Which loss was the last then. */
  losses: number;
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
  readonly #lossesOf: (brokerName: string) => number;
  readonly #onPersisted: ((queue: MessageQueue, offset: number) => void) | undefined;
  readonly #positions = new Map<string, Position>();
  /** By topic and broker: ends when the first request for an offset there has. */
  readonly #opening = new Map<string, Promise<void>>();

  constructor(
    requests: BrokerRequests,
    group: string,
    logger: Logger,
    lossesOf: (brokerName: string) => number,
    onPersisted?: (queue: MessageQueue, offset: number) => void,
  ) {
    this.#requests = requests;
    this.#group = group;
    this.#logger = logger;
    this.#lossesOf = lossesOf;
    this.#onPersisted = onPersisted;
  }

  read(queue: MessageQueue): Promise<number | undefined> {
    return this.#requests.consumerOffset(queue);
  }

  update(queue: MessageQueue, offset: number): void {
    const key = queueKey(queue);
    const position = this.#positions.get(key);
    if (position !== undefined) position.offset = offset;
    else {
      const fresh = { stored: undefined, confirmations: 0, losses: 0, storing: undefined };
      this.#positions.set(key, { queue, offset, ...fresh });
    }
  }

  async persist(queues?: readonly MessageQueue[]): Promise<void> {
    const positions =
      queues === undefined
        ? [...this.#positions.values()]
        : queues.map((queue) => this.#positions.get(queueKey(queue))).filter((position) => position !== undefined);
    for (const position of positions) this.#forgetOverLoss(position);
    const unsure = positions.filter(
      ({ offset, stored, confirmations }) => offset !== stored || confirmations < CONFIRMATIONS,
    );
    await Promise.all(unsure.map((position) => this.#storeBehindFirst(position)));
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
    const { confirmations } = position;
    const send = () => this.#send(position, confirmations);
    const storing = position.storing === undefined ? send() : position.storing.then(send);
    position.storing = storing;
    return storing;
  }

  /** @param confirmationsBefore when it was asked for: what was confirmed since is not sent once more */
  async #send(position: Position, confirmationsBefore: number): Promise<void> {
    this.#forgetOverLoss(position);
    const { queue, offset } = position;
    if (offset === position.stored && position.confirmations > confirmationsBefore) return;
    try {
      await this.#requests.storeConsumerOffset(queue, offset);
      position.stored = offset;
      position.confirmations++;
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

  /** What was confirmed before a connection was lost may be forgotten. */
  #forgetOverLoss(position: Position): void {
    const losses = this.#lossesOf(position.queue.brokerName);
    if (position.losses === losses) return;
    position.losses = losses;
    position.confirmations = 0;
  }
}

/** Which loss of a connection to a broker was the last, of all that were lost; 0 before the first. By the name of the broker. */
function countLosses(remoting: RemotingClient, routes: RouteTable): (brokerName: string) => number {
  const lastLosses = new Map<string, number>();
  let losses = 0;
  remoting.onConnectionLost((address) => {
    const known = new Set(routes.brokers().map((broker) => broker.address));
    // Brokers come and go, with new addresses each time in some places.
    for (const gone of [...lastLosses.keys()]) if (!known.has(gone)) lastLosses.delete(gone);
    lastLosses.set(address, ++losses);
  });
  return (brokerName) => {
    const address = routes.brokerAddress(brokerName, 0);
    return address === undefined ? 0 : (lastLosses.get(address) ?? 0);
  };
}

/** The offset store of clustering consumers. `requestTimeoutMs` defaults to 3,000. */
export function createRemoteOffsetStoreFactory(services: {
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly logger: Logger;
  readonly requestTimeoutMs?: number;
}): OffsetStoreFactory {
  const { routes, remoting, logger, requestTimeoutMs = 3_000 } = services;
  const lossesOf = countLosses(remoting, routes);
  return ({ group, onPersisted }) => {
    const requests = new BrokerRequests(group, routes, remoting, requestTimeoutMs);
    return new RemoteOffsetStore(requests, group, logger, lossesOf, onPersisted);
  };
}
