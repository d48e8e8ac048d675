import { Observable, type OperatorFunction, type Subscriber, type Subscription } from 'rxjs';
import { rocketMQError } from '../errors/rocketmq-error.js';
import type { AnyMessage, OperatorOptions, SendOptions, SendReport } from './producer.js';
import { integer } from './resolve-options.js';
import { CONCURRENCY_DEFAULT, type Sender } from './send-all.js';
import { checkOperatorOptions, optionsOfEach } from './send-options.js';

const BUFFER_DEFAULT = 1_024;

/**
 * The pipeline as an operator. A push source cannot be slowed: what finds no slot waits in a buffer, and a full buffer
 * ends the stream with RMQ_BACKPRESSURE, after what was taken has ended. Unsubscribing cancels what is in flight.
 * @throws RMQ_OPTIONS_INVALID at once
 */
export function sendOperator<M extends AnyMessage>(
  sender: Sender,
  options: OperatorOptions = {},
): OperatorFunction<M, SendReport<M>> {
  checkOperatorOptions(options);
  const concurrency = integer('concurrency', options.concurrency ?? CONCURRENCY_DEFAULT, 1);
  const bufferMax = integer('bufferMax', options.bufferMax ?? BUFFER_DEFAULT, 0);
  return (source) =>
    new Observable((subscriber) => {
      const stream = new OperatorStream(sender, options, concurrency, bufferMax, subscriber);
      stream.listenTo(source);
      return () => stream.cancel();
    });
}

class OperatorStream<M extends AnyMessage> {
  readonly #sender: Sender;
  readonly #options: OperatorOptions;
  readonly #sendOptions: SendOptions;
  readonly #concurrency: number;
  readonly #bufferMax: number;
  readonly #subscriber: Subscriber<SendReport<M>>;
  readonly #sending = new Set<{ cancel(): void }>();
  #buffer: M[] = [];
  #inFlight = 0;
  #subscription: Subscription | undefined;
  /** Set when the source gives nothing more; with an error when that is how the stream ends. */
  #end: { readonly error?: unknown } | undefined;

  constructor(
    sender: Sender,
    options: OperatorOptions,
    concurrency: number,
    bufferMax: number,
    subscriber: Subscriber<SendReport<M>>,
  ) {
    this.#sender = sender;
    this.#options = options;
    this.#sendOptions = optionsOfEach(options);
    this.#concurrency = concurrency;
    this.#bufferMax = bufferMax;
    this.#subscriber = subscriber;
  }

  listenTo(source: Observable<M>): void {
    const subscription = source.subscribe({
      next: (message) => this.#take(message),
      error: (error: unknown) => this.#endWith({ error }),
      complete: () => this.#endWith({}),
    });
    if (this.#end === undefined) this.#subscription = subscription;
    else subscription.unsubscribe();
  }

  /** Nobody listens any more. */
  cancel(): void {
    this.#end ??= {};
    this.#buffer = [];
    this.#subscription?.unsubscribe();
    for (const send of [...this.#sending]) send.cancel();
  }

  #take(message: M): void {
    if (this.#end !== undefined) return;
    if (this.#inFlight < this.#concurrency) this.#send(message);
    else if (this.#buffer.length < this.#bufferMax) this.#buffer.push(message);
    else this.#endWith({ error: bufferFull(message, this.#bufferMax) });
  }

  #send(message: M): void {
    this.#inFlight++;
    let over = false;
    let send: { cancel(): void } | undefined;
    const settle = (report: SendReport<M>) => {
      over = true;
      this.#inFlight--;
      if (send !== undefined) this.#sending.delete(send);
      this.#report(report);
    };
    send = this.#sender(message, this.#sendOptions, {
      onResult: (result) => settle({ message, result }),
      onError: (error) => settle({ message, error }),
    });
    if (!over) this.#sending.add(send);
  }

  #report(report: SendReport<M>): void {
    if (report.error !== undefined && this.#options.stopOnError) {
      this.#buffer = [];
      this.#end ??= {};
      this.#subscription?.unsubscribe();
    }
    this.#subscriber.next(report);
    const next = this.#buffer.shift();
    if (next !== undefined) this.#send(next);
    else this.#endIfIdle();
  }

  #endWith(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#subscription?.unsubscribe();
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#end === undefined || this.#inFlight > 0 || this.#buffer.length > 0) return;
    if ('error' in this.#end) this.#subscriber.error(this.#end.error);
    else this.#subscriber.complete();
  }
}

function bufferFull(message: AnyMessage, bufferMax: number): Error {
  const topic = typeof message.topic === 'string' ? message.topic : message.topic.name;
  const text = `The operator's buffer of ${bufferMax} messages is full: the source is faster than the brokers`;
  return rocketMQError('RMQ_BACKPRESSURE', text, { topic, limit: 'buffer' });
}
