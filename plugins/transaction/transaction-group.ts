import type { PluginHost, Producer, ResourceNames } from '../../core/index.js';
import { Acquaintance } from './acquaintance.js';
import type { ResolvedTransactionOptions } from './options.js';
import { RunningBranches } from './running-branches.js';
import { TransactionChecks } from './transaction-checks.js';
import type { InterceptedGroup } from './transaction-interceptor.js';
import type { Execute } from './transaction-producer.js';

/** What a transactional producer has beside its sends: local branches and checks that run, and that brokers know of it. */
export class TransactionGroup implements InterceptedGroup {
  readonly group: string;
  readonly wireGroup: string;
  readonly execute: Execute<unknown>;
  readonly running = new RunningBranches();
  readonly checks: TransactionChecks;
  readonly #host: PluginHost;
  readonly #names: ResourceNames;
  readonly #topics: readonly string[];
  #acquaintance: Acquaintance | undefined;

  constructor(host: PluginHost, names: ResourceNames, options: ResolvedTransactionOptions<never>) {
    const { producer, execute, check, topics, checkConcurrency: concurrency, checkTimeoutMs: timeoutMs } = options;
    this.group = producer.group;
    this.wireGroup = names.groupToWire(producer.group);
    // Its sends bring the argument that it takes.
    this.execute = execute as Execute<unknown>;
    this.checks = new TransactionChecks(host, {
      group: this.group,
      wireGroup: this.wireGroup,
      check,
      concurrency,
      timeoutMs,
    });
    this.#host = host;
    this.#names = names;
    this.#topics = topics;
  }

  topicToWire(topic: string): string {
    return this.#names.topicToWire(topic);
  }

  /** Lets brokers know of its producer, in a while. */
  introduce(producer: Producer): void {
    this.#acquaintance = new Acquaintance(this.#host, producer, this.#topics);
    void this.#acquaintance.make();
  }

  /** Begins no more checks; resolves when those that run, and local branches that have outlived their sends, have ended. */
  async close(): Promise<void> {
    this.#acquaintance?.close();
    await Promise.all([this.running.idle(), this.checks.close()]);
  }
}
