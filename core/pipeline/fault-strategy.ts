import type { MessageQueue } from '../message/message.js';
import { type Token, token } from '../runtime/token.js';

/** A topic's place in the rotation of its queues. */
export interface QueueTurn {
  /** Goes on by one. Returns an index of the queues. */
  step(): number;
  /** Goes on from a random place. */
  restart(): void;
}

/**
 * What is remembered of brokers that were slow or failed, and consulted by `select`. The default remembers nothing and
 * lets every broker take part; the producer option `latencyFault` and plugins replace it under its token.
 */
export interface FaultStrategy {
  /**
   * After every attempt that reached a broker, and every one that could not. `failure` is undefined when it answered that
   * the message is stored; `topic` is the message's, as the application writes it.
   */
  record(
    brokerName: string,
    elapsedMs: number,
    failure: 'unreachable' | 'refused' | 'timeout' | undefined,
    topic: string,
  ): void;
  /** False where `record` does nothing: then the clock is not read for it. Default true. */
  readonly records?: boolean;
  /** Whether sends may go to it now. */
  isAvailable(brokerName: string): boolean;
  /**
   * Chooses among a topic's queues, never empty, by index. `failedBroker` is the broker of the attempt before, when there
   * was one. Undefined, and an index that does not exist, take plainly the next. Without this method the queues of
   * available brokers other than the failed one take turns.
   */
  choose?(queues: readonly MessageQueue[], turn: QueueTurn, failedBroker: string | undefined): number | undefined;
}

export const FaultStrategy: Token<FaultStrategy> = token('FaultStrategy');

/** Remembers nothing. */
export const noFaultStrategy: FaultStrategy = { records: false, record: () => {}, isAvailable: () => true };
