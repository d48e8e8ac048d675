import type { AnyMessage, MessageSource, SendAllOptions, SendOptions, SendReport } from './producer.js';
import type { SendObserver } from './producer-send.js';
import { integer, invalid } from './resolve-options.js';
import { checkSendAllOptions, optionsOfEach } from './send-options.js';

/** Begins one send of many. */
export type Sender = (
  message: AnyMessage,
  options: SendOptions | undefined,
  observer: SendObserver,
) => { cancel(): void };

export const CONCURRENCY_DEFAULT = 256;

/**
 * Sends what the source gives, pulling the next item only when a slot is free; a slot is free again when the report of
 * its message was taken, so that a slow reader holds back the source and nothing piles up.
 * @throws RMQ_OPTIONS_INVALID at once
 */
export function sendAll<M extends AnyMessage>(
  sender: Sender,
  messages: MessageSource<M>,
  options: SendAllOptions = {},
): AsyncIterable<SendReport<M>> {
  checkSendAllOptions(options);
  const source = messages as Partial<Iterable<M> & AsyncIterable<M>> | null | undefined;
  if (source?.[Symbol.asyncIterator] === undefined && source?.[Symbol.iterator] === undefined) {
    throw invalid('messages', 'has to be an iterable or async iterable of messages');
  }
  const concurrency = integer('concurrency', options.concurrency ?? CONCURRENCY_DEFAULT, 1);
  return { [Symbol.asyncIterator]: () => reports(new BulkSend(sender, messages, options, concurrency)) };
}

async function* reports<M extends AnyMessage>(bulk: BulkSend<M>): AsyncGenerator<SendReport<M>, void, undefined> {
  try {
    bulk.begin();
    for (let report = await bulk.next(); report !== undefined; report = await bulk.next()) yield report;
    bulk.throwIfBroken();
  } finally {
    await bulk.end();
  }
}

class BulkSend<M extends AnyMessage> {
  readonly #sender: Sender;
  readonly #options: SendAllOptions;
  readonly #sendOptions: SendOptions;
  readonly #concurrency: number;
  readonly #source: Iterator<M> | AsyncIterator<M>;
  readonly #sending = new Set<{ cancel(): void }>();
  readonly #reports: SendReport<M>[] = [];
  /** Slots that are taken by sends in flight. */
  #inFlight = 0;
  #pulling = false;
  #finished = false;
  #broken: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(sender: Sender, messages: MessageSource<M>, options: SendAllOptions, concurrency: number) {
    this.#sender = sender;
    this.#options = options;
    this.#sendOptions = optionsOfEach(options);
    this.#concurrency = concurrency;
    this.#source =
      Symbol.asyncIterator in Object(messages)
        ? (messages as AsyncIterable<M>)[Symbol.asyncIterator]()
        : (messages as Iterable<M>)[Symbol.iterator]();
  }

  begin(): void {
    const { signal } = this.#options;
    if (signal === undefined) return;
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort);
  }

  /** The next report; undefined when there will be none. */
  async next(): Promise<SendReport<M> | undefined> {
    for (;;) {
      this.#fill();
      const report = this.#reports.shift();
      if (report !== undefined) return report;
      if (this.#inFlight === 0 && this.#finished) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  throwIfBroken(): void {
    if (this.#broken !== undefined) throw this.#broken.error;
  }

  /** Takes nothing more and ends what is in flight. */
  async end(): Promise<void> {
    const wasFinished = this.#finished;
    this.#finished = true;
    this.#options.signal?.removeEventListener('abort', this.#abort);
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (wasFinished && this.#broken === undefined) return;
    const ended = this.#source.return?.();
    // A source that is in the middle of giving an item answers only after it; nobody waits for that.
    if (this.#pulling) (ended as Promise<unknown> | undefined)?.then?.(undefined, () => undefined);
    else await ended;
  }

  readonly #abort = (): void => {
    this.#finished = true;
    this.#broken ??= { error: this.#options.signal?.reason };
    for (const send of [...this.#sending]) send.cancel();
    this.#tell();
  };

  #fill(): void {
    while (!this.#finished && !this.#pulling && this.#inFlight + this.#reports.length < this.#concurrency) this.#pull();
  }

  #pull(): void {
    let pulled: IteratorResult<M> | Promise<IteratorResult<M>>;
    this.#pulling = true;
    try {
      pulled = this.#source.next();
    } catch (error) {
      this.#breakOff(error);
      return;
    }
    if (typeof (pulled as Promise<unknown>).then !== 'function') {
      this.#take(pulled as IteratorResult<M>);
      return;
    }
    (pulled as Promise<IteratorResult<M>>).then(
      (item) => {
        this.#take(item);
        this.#tell();
      },
      (error: unknown) => {
        this.#breakOff(error);
        this.#tell();
      },
    );
  }

  #take(item: IteratorResult<M>): void {
    this.#pulling = false;
    if (item.done) this.#finished = true;
    else if (!this.#finished) this.#send(item.value);
  }

  #breakOff(error: unknown): void {
    this.#pulling = false;
    this.#finished = true;
    this.#broken ??= { error };
  }

  #send(message: M): void {
    this.#inFlight++;
    let over = false;
    const settle = (report: SendReport<M>) => {
      over = true;
      this.#inFlight--;
      if (send !== undefined) this.#sending.delete(send);
      this.#reports.push(report);
      if (report.error !== undefined && this.#options.stopOnError) this.#finished = true;
      this.#tell();
    };
    let send: { cancel(): void } | undefined;
    send = this.#sender(message, this.#sendOptions, {
      onResult: (result) => settle({ message, result }),
      onError: (error) => settle({ message, error }),
    });
    if (!over) this.#sending.add(send);
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
