import { type Token, token } from '../runtime/token.js';

/**
 * What is remembered of brokers that were slow or failed, and consulted by `select`. The default remembers nothing and
 * lets every broker take part; latency-fault tolerance replaces it under its token.
 */
export interface FaultStrategy {
  /** After every attempt that reached a broker. `failure` is undefined when it answered. */
  record(brokerName: string, elapsedMs: number, failure: 'unreachable' | 'refused' | 'timeout' | undefined): void;
  isAvailable(brokerName: string): boolean;
}

export const FaultStrategy: Token<FaultStrategy> = token('FaultStrategy');

/** Remembers nothing. */
export const noFaultStrategy: FaultStrategy = { record: () => {}, isAvailable: () => true };
