import { inject, injectable } from 'inversify';
import { Clock } from '../../../runtime/clock.js';
import { MessageStore } from '../message-store.js';
import { Throughput } from './throughput.js';

/** What the broker counts for GET_BROKER_RUNTIME_INFO. */
@injectable()
export class BrokerCounters {
  readonly #clock: Clock;
  readonly #store: MessageStore;
  readonly put = new Throughput();
  readonly found = new Throughput();
  readonly miss = new Throughput();
  readonly total = new Throughput();
  readonly transferred = new Throughput();
  readonly bootTimestamp: number;
  #pullsFound = 0;
  #pullsMissed = 0;
  #messagesGot = 0;
  /** Of the last sample. Not asked at the start: the first local date of a process takes 8 ms where zones are not in the cache. */
  #day: string | undefined;
  #today = { put: 0, got: 0 };
  #yesterday = { put: 0, got: 0 };

  constructor(@inject(Clock) clock: Clock, @inject(MessageStore) store: MessageStore) {
    this.#clock = clock;
    this.#store = store;
    this.bootTimestamp = clock.now();
  }

  /** A pull that found messages. */
  got(messages: number): void {
    this.#pullsFound++;
    this.#messagesGot += messages;
  }

  /** A pull that found none. */
  missed(): void {
    this.#pullsMissed++;
  }

  get messagesGot(): number {
    return this.#messagesGot;
  }

  /** Totals as they stood at the last two local midnights that this process saw. */
  get midnights(): { readonly today: { put: number; got: number }; readonly yesterday: { put: number; got: number } } {
    return { today: this.#today, yesterday: this.#yesterday };
  }

  /** Once a second. */
  sample(): void {
    const nowMs = this.#clock.monotonic();
    const { messagesPut } = this.#store.statistics;
    const day = new Date(this.#clock.now()).toDateString();
    const isMidnight = this.#day !== undefined && day !== this.#day;
    this.#day = day;
    if (isMidnight) {
      this.#yesterday = this.#today;
      this.#today = { put: messagesPut, got: this.#messagesGot };
    }
    this.put.sample(nowMs, messagesPut);
    this.found.sample(nowMs, this.#pullsFound);
    this.miss.sample(nowMs, this.#pullsMissed);
    this.total.sample(nowMs, this.#pullsFound + this.#pullsMissed);
    this.transferred.sample(nowMs, this.#messagesGot);
  }
}
