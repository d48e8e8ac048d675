import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { Plugin } from '../../plugin/plugin.js';
import type { RawMessage } from '../../producer/producer.js';
import { type OptionNames, requireKnown } from '../../runtime/known-options.js';
import type { TestKit } from '../test-kit.js';

/** What a plugin changes on purpose, and is not held against it. Replies and messages that plugins read count as delivered. */
export type ClaimedChange = 'result' | 'delivered messages' | 'outcome';

/** What a plugin does on purpose, and what it needs beside itself. */
export interface ConformanceOptions {
  /** A message that the plugin lets through. Default: one to topic `conformance`. */
  readonly message?: RawMessage;
  /** Default: nothing. */
  readonly changes?: readonly ClaimedChange[];
  /** Plugins that it `requires`, made anew for each client. */
  readonly beside?: () => readonly Plugin[];
  /** Brings the server into the state that the plugin needs, such as its topics. */
  readonly prepare?: (kit: TestKit) => unknown;
}

const CONFORMANCE: OptionNames = {
  of: 'pluginConformance',
  names: new Set(['message', 'changes', 'beside', 'prepare'] satisfies (keyof ConformanceOptions)[]),
};
const CLAIMS: readonly unknown[] = ['result', 'delivered messages', 'outcome'] satisfies ClaimedChange[];

/** @throws RMQ_OPTIONS_INVALID for what would not be looked at */
export function requireConformanceOptions(options: ConformanceOptions): void {
  requireKnown(options, CONFORMANCE);
  const unknown = options.changes?.find((change) => !CLAIMS.includes(change));
  if (unknown === undefined) return;
  throw rocketMQError('RMQ_OPTIONS_INVALID', `changes: ${String(unknown)} is none of ${CLAIMS.join(', ')}`, {
    option: 'changes',
  });
}

/** Makes a fresh plugin for each client, as an application does. */
export type MakePlugin = () => Plugin;

/** One rule of the plugin contract, to be given to a test runner. */
export interface ConformanceCheck {
  /** A sentence whose subject is the plugin. */
  readonly name: string;
  /** Resolves when the plugin keeps the rule; rejects with an AssertionError that says what it did instead. */
  run(): Promise<void>;
}
