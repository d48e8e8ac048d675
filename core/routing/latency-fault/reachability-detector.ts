import type { ResourceNames } from '../../message/resource-names.js';
import { expectSuccess } from '../../remoting/expect-success.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { Clock } from '../../runtime/clock.js';
import type { Logger } from '../../runtime/logger.js';
import type { RouteTable } from '../route-table.js';
import type { FaultItem, FaultTable } from './fault-table.js';

export interface ReachabilityDetectorParts {
  readonly table: FaultTable;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly routes: Pick<RouteTable, 'brokerAddress'>;
  readonly remoting: Pick<RemotingClient, 'invoke'>;
  readonly names: Pick<ResourceNames, 'topicToWire'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly logger: Logger;
}

/**
 * Asks brokers that could not be reached for the last offset of a queue, and calls those reachable that answer. Matches
 * Apache 5.x's LatencyFaultToleranceImpl.detectByOneRound.
 */
export class ReachabilityDetector {
  readonly #parts: ReachabilityDetectorParts;

  constructor(parts: ReachabilityDetectorParts) {
    this.#parts = parts;
  }

  /** Asks each of them once whose time has come. Never rejects. */
  async round(): Promise<void> {
    const nowMs = this.#parts.clock.monotonic();
    const due = [...this.#parts.table.items].filter((item) => !item.reachable && nowMs >= item.probeFromMs);
    await Promise.all(due.map((item) => this.#probe(item, nowMs)));
  }

  async #probe(item: FaultItem, nowMs: number): Promise<void> {
    const { table, intervalMs, timeoutMs, routes, remoting, names, logger } = this.#parts;
    const { brokerName } = item;
    item.probeFromMs = nowMs + intervalMs;
    const address = routes.brokerAddress(brokerName);
    if (address === undefined) {
      table.forget(brokerName);
      return;
    }
    const ext = { topic: names.topicToWire(item.topic), queueId: 0 };
    try {
      expectSuccess(await remoting.invoke(address, { code: RequestCode.GET_MAX_OFFSET, ext }, { timeoutMs }));
      item.reachable = true;
      logger.info('a broker can be reached again', { broker: brokerName, address });
    } catch (error) {
      logger.debug('a broker still cannot be reached', { broker: brokerName, address, error });
    }
  }
}
