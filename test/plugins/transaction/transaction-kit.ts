import { onTestFinished } from 'vitest';
import type { EndTransactionContext, Logger, Plugin } from '../../../core/index.js';
import { type KitConnectOptions, type TestKit, testKit } from '../../../core/testing/index.js';
import {
  type TransactionProducer,
  type TransactionProducerOptions,
  transaction,
} from '../../../plugins/transaction/index.js';

/** Between two checks of a broker. */
export const INTERVAL_MS = 60_000;

export async function openKit(): Promise<TestKit> {
  const kit = await testKit();
  onTestFinished(() => kit.close());
  return kit;
}

/** A client with the plugin, and what its listeners heard. */
export async function open(kit: TestKit, { plugins = [], ...options }: KitConnectOptions = {}) {
  const ends: EndTransactionContext[] = [];
  const warnings: { readonly message: string; readonly fields: unknown }[] = [];
  const listening: Plugin = { name: 'listening', setup: (host) => host.onEndTransaction((end) => ends.push(end)) };
  const transactions = transaction();
  const silent = () => {};
  const logger: Logger = {
    debug: silent,
    info: silent,
    error: silent,
    warn: (message, fields) => warnings.push({ message, fields }),
  };
  const mq = await kit.connect({ ...options, logger, plugins: [...plugins, transactions, listening] });
  const producer = <A = void>(given: Partial<TransactionProducerOptions<A>> = {}): Promise<TransactionProducer<A>> =>
    mq.plugin(transactions).producer<A>({ group: 'payers', execute: () => 'commit', check: () => 'unknown', ...given });
  return { mq, ends, warnings, producer, transactions };
}

export const message = { topic: 'orders', body: 'order 42', tag: 'paid', keys: ['42'] };
