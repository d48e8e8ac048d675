import { type EndTransactionContext, type PluginHost, PropertyName, type ReceivedMessage } from '../../core/index.js';
import { endTransaction } from './end-transaction.js';
import { askLocal, type LocalAnswer } from './local-state.js';
import type { Check } from './transaction-producer.js';

/** A broker's question about one transaction. */
export interface CheckRequest {
  readonly message: ReceivedMessage;
  /** Fields of its header: they go back as they are. */
  readonly ext: Readonly<Record<string, string | undefined>>;
  readonly address: string;
}

export interface TransactionChecksOptions {
  readonly group: string;
  readonly wireGroup: string;
  readonly check: Check;
  readonly concurrency: number;
  readonly timeoutMs: number;
}

/**
 * Answers brokers about the transactions of one group: so many at a time, the others wait. None is dropped; a question that
 * its broker asks again takes the place of the one before, and the answer names the place that the newest one did. Two brokers
 * may ask about one message: a send that was tried again left a half message at each.
 */
export class TransactionChecks {
  readonly #host: PluginHost;
  readonly #options: TransactionChecksOptions;
  /** By broker and message, oldest first. */
  readonly #waiting = new Map<string, CheckRequest>();
  /** The newest question of each that runs. */
  readonly #running = new Map<string, CheckRequest>();
  /** All that were begun, until their answers have left. */
  readonly #runs = new Set<Promise<void>>();
  #closed = false;

  constructor(host: PluginHost, options: TransactionChecksOptions) {
    this.#host = host;
    this.#options = options;
  }

  add(request: CheckRequest): void {
    if (this.#closed) return;
    const question = `${request.address} ${request.message.msgId}`;
    if (this.#running.has(question)) this.#running.set(question, request);
    else {
      this.#waiting.set(question, request);
      this.#startNext();
    }
  }

  /** Begins none any more; resolves when those that run are answered. Brokers ask another member about the others, or later. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    await Promise.all(this.#runs);
  }

  #startNext(): void {
    for (const [question, request] of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      this.#waiting.delete(question);
      this.#running.set(question, request);
      const run = this.#run(question, request);
      this.#runs.add(run);
      void run.then(() => this.#runs.delete(run));
    }
  }

  /** Never rejects. */
  async #run(question: string, request: CheckRequest): Promise<void> {
    const answer = await this.#ask(request.message);
    const newest = this.#running.get(question) ?? request;
    this.#running.delete(question);
    this.#startNext();
    await this.#end(newest, answer);
  }

  async #ask(message: ReceivedMessage): Promise<LocalAnswer> {
    const { group, check, timeoutMs } = this.#options;
    const transactionId = transactionIdOf(message);
    const checkTimes = Number(message.properties[PropertyName.TRANSACTION_CHECK_TIMES] ?? 1);
    const answer = await this.#within(
      timeoutMs,
      askLocal('check', () => check({ ...message, transactionId, checkTimes })),
    );
    const { error } = answer;
    if (error !== undefined) this.#host.logger.warn('a check failed', { group, transactionId, error });
    return answer;
  }

  #within(timeoutMs: number, answer: Promise<LocalAnswer>): Promise<LocalAnswer> {
    return new Promise((resolve) => {
      const timer = this.#host.clock.setTimer(timeoutMs, () => {
        resolve({ state: 'unknown', error: new Error(`check did not answer within ${timeoutMs} ms`) });
      });
      void answer.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  #end({ message, ext, address }: CheckRequest, { state, error }: LocalAnswer): Promise<void> {
    const { group, wireGroup } = this.#options;
    const { topic, tag, keys, msgId, properties } = message;
    const context: EndTransactionContext = {
      producerGroup: group,
      message: { topic, ...(tag !== undefined && { tag }), ...(keys.length > 0 && { keys }) },
      msgId,
      transactionId: ext.transactionId ?? msgId,
      brokerName: ext.bname === '' ? undefined : ext.bname,
      brokerAddress: address,
      regionId: properties[PropertyName.MSG_REGION] ?? 'DefaultRegion',
      transactionState: state,
      fromTransactionCheck: true,
    };
    return endTransaction(this.#host, {
      target: { address },
      place: {
        wireGroup,
        wireTopic: ext.topic,
        tranStateTableOffset: ext.tranStateTableOffset ?? '',
        commitLogOffset: ext.commitLogOffset ?? '',
        transactionId: ext.transactionId,
      },
      context,
      error,
      remark: 'checkLocalTransactionState Exception',
    });
  }
}

function transactionIdOf({ properties, msgId }: ReceivedMessage): string {
  return properties[PropertyName.TRANSACTION_ID] ?? msgId;
}
