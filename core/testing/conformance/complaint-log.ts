import assert from 'node:assert/strict';
import { isRocketMQError } from '../../errors/rocketmq-error.js';
import type { Logger } from '../../runtime/logger.js';

/** Keeps what a client says about a plugin that failed, or broke the contract when nobody could be told any more. */
export class ComplaintLog implements Logger {
  readonly #plugin: string;
  readonly #complaints: string[] = [];

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  debug(): void {}

  info(): void {}

  warn(words: string, fields?: Readonly<Record<string, unknown>>): void {
    const error = fields?.error;
    const isBroken = isRocketMQError(error, 'RMQ_PIPELINE_MISUSE') && error.interceptor.includes(this.#plugin);
    const isFailed = isRocketMQError(error, 'RMQ_PLUGIN_FAILED') && error.plugin === this.#plugin;
    if (isBroken || isFailed) this.#complaints.push(`${words}: ${error.message}`);
  }

  error(words: string, fields?: Readonly<Record<string, unknown>>): void {
    if (fields?.plugin === this.#plugin) this.#complaints.push(`${words}: ${String(fields.error)}`);
    else this.warn(words, fields);
  }

  assertEmpty(): void {
    assert.deepEqual(this.#complaints, [], `the client complained: ${this.#complaints.join('; ')}`);
  }
}
