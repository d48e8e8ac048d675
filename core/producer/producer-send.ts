import { type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import { type Exchange, exchangeOf } from '../message/exchange.js';
import type { Chain } from '../pipeline/chain.js';
import type { SendResult } from '../pipeline/send-result.js';
import { SendState } from '../pipeline/send-state.js';
import type { BudgetEntry } from './budget.js';
import type { RawMessage } from './producer.js';

/** Who is told how a send ended. */
export interface SendObserver {
  onResult(result: SendResult): void;
  /** `sent` tells whether the message may have reached a broker all the same. */
  onError(error: RocketMQError, sent?: 'no' | 'maybe'): void;
}

/** What a send needs of its producer. */
export interface SendOwner {
  /** The send was let in and enters the chain. */
  enter(send: ProducerSend): void;
  ended(send: ProducerSend, result: SendResult | undefined, error: RocketMQError | undefined): void;
  readonly fullBy: 'count' | 'bytes';
}

/** One send of one producer: its state in the chain, its place in the budget and in the list of those in flight. */
export class ProducerSend extends SendState implements BudgetEntry {
  declare readonly owner: SendOwner;
  declare readonly message: RawMessage;
  declare readonly sizeBytes: number;
  declare readonly observer: SendObserver;
  declare readonly abortSignal: AbortSignal | undefined;
  declare admitted: boolean;
  /** Whether it is watched by the entry that the producer's sends share in the deadline heap. */
  declare sharesDeadline: boolean;
  /** Neighbours in the producer's list of sends. */
  declare previous: ProducerSend | undefined;
  declare next: ProducerSend | undefined;

  constructor(
    chain: Chain,
    mode: 'send' | 'oneway',
    msgId: string,
    owner: SendOwner,
    message: RawMessage,
    sizeBytes: number,
    observer: SendObserver,
    abortSignal: AbortSignal | undefined,
  ) {
    super(chain, mode, message.topic, msgId);
    this.owner = owner;
    this.message = message;
    this.sizeBytes = sizeBytes;
    this.observer = observer;
    this.abortSignal = abortSignal;
    this.admitted = false;
    this.sharesDeadline = false;
    this.previous = undefined;
    this.next = undefined;
  }

  get exchange(): Exchange | undefined {
    return exchangeOf(this.message);
  }

  get wanted(): boolean {
    return !this.over;
  }

  onAdmitted(): void {
    this.admitted = true;
    this.owner.enter(this);
  }

  override onDeadline(): void {
    if (this.admitted || this.over) super.onDeadline();
    else this.breakOff(this.heldBack());
  }

  /** Its time was over before it came this far: nothing leaves. */
  tooLate(): void {
    super.onDeadline();
  }

  /** The listener of the caller's AbortSignal. */
  handleEvent(): void {
    this.cancel();
  }

  protected override end(result: SendResult | undefined, error: RocketMQError | undefined): void {
    this.abortSignal?.removeEventListener('abort', this);
    this.owner.ended(this, result, error);
  }

  private heldBack(): RocketMQError {
    const limit = this.owner.fullBy;
    const message = `The send to topic ${this.topic} found the producer's budget by ${limit} full for ${this.timeoutMs} ms`;
    return rocketMQError('RMQ_BACKPRESSURE', message, { topic: this.topic, limit });
  }
}
