import { inject, injectable } from 'inversify';
import { PropertyName } from '../../../message/property-names.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { Scheduler } from '../../../runtime/scheduler.js';
import type { BrokerService } from '../broker-service.js';
import type { ClientChannel } from '../clients/client-channel.js';
import { ProducerRegistry } from '../clients/producer-registry.js';
import { isStored } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { checkRequest } from './check-request.js';
import { checkTimesOf, type HalfMessage } from './half-message.js';
import { type CopyPlace, HalfMessages } from './half-messages.js';
import { type CheckRules, judgeHalfMessage } from './judge-half-message.js';

const ROUND_MS_MAX = 60_000;

/**
 * Asks producers about transactions that they did not end: from time to time all that are old enough, each by one member of
 * its group. Matches TransactionalMessageCheckService and the rest of TransactionalMessageServiceImpl (4.9).
 */
@injectable()
export class TransactionCheck implements BrokerService {
  readonly #settings: BrokerSettings;
  readonly #halfMessages: HalfMessages;
  readonly #producers: ProducerRegistry;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #scheduler: Scheduler;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(HalfMessages) halfMessages: HalfMessages,
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#halfMessages = halfMessages;
    this.#producers = producers;
    this.#clock = clock;
    this.#logger = logger;
    this.#scheduler = new Scheduler(clock, logger);
  }

  start(): void {
    const { transactionCheckInterval: periodMs } = this.#settings;
    this.#scheduler.every('broker: check transactions', { periodMs }, () => this.#round());
  }

  close(): Promise<void> {
    return this.#scheduler.close();
  }

  /** Everything that was there when the round began; what is stored once more waits for the next. */
  async #round(): Promise<void> {
    const startMs = this.#clock.monotonic();
    const { transactionTimeOut, transactionCheckMax } = this.#settings;
    const rules = { nowMs: this.#clock.now(), transactionTimeOut, transactionCheckMax };
    const { from, to } = this.#halfMessages.bounds();
    for await (const halfMessages of this.#halfMessages.open(from, to)) {
      if (!(await this.#go(halfMessages, rules))) return;
      if (this.#clock.monotonic() - startMs > ROUND_MS_MAX) return;
    }
  }

  /** Whether the round goes on behind these. */
  async #go(halfMessages: readonly HalfMessage[], rules: CheckRules): Promise<boolean> {
    const work: Promise<boolean>[] = [];
    for (const half of halfMessages) {
      const verdict = judgeHalfMessage(half, rules);
      if (verdict === 'later') {
        await Promise.all(work);
        return false;
      }
      // Not now: a question that is dropped would be one of those that it has.
      if (verdict === 'check' && this.#isNobodyFree(half)) continue;
      work.push(verdict === 'discard' ? this.#discard(half) : this.#putBack(half, verdict === 'check'));
    }
    return (await Promise.all(work)).every((taken) => taken);
  }

  /** Whether the round goes on: a store that takes nothing now is asked again. */
  async #discard(half: HalfMessage): Promise<boolean> {
    const status = await this.#halfMessages.discard(half);
    if (status === 'ALREADY_ENDED') return true;
    const isDiscarded = isStored(status) || status === 'MESSAGE_ILLEGAL';
    this.#logger.error(`a transaction that nobody ended ${isDiscarded ? 'was' : 'could not be'} discarded`, {
      msgId: half.properties[PropertyName.UNIQ_KEY],
      group: half.properties[PropertyName.PGROUP],
      topic: half.properties[PropertyName.REAL_TOPIC],
      checkTimes: checkTimesOf(half),
      status,
    });
    return isDiscarded;
  }

  /** Stores it once more at the end of the queue, and asks about it where that is due; whether the round goes on. */
  async #putBack(half: HalfMessage, isDue: boolean): Promise<boolean> {
    const checkTimes = checkTimesOf(half) + (isDue ? 1 : 0);
    const copy = await this.#halfMessages.copy(half, checkTimes);
    // The store may take it as it is, if not with what a copy has more.
    if (typeof copy === 'string') return copy === 'MESSAGE_ILLEGAL' ? this.#discard(half) : copy === 'ALREADY_ENDED';
    if (isDue) this.#ask(half, copy, checkTimes);
    return true;
  }

  #ask(half: HalfMessage, place: CopyPlace, checkTimes: number): void {
    const request = checkRequest(half, place, checkTimes, this.#settings.storeHost);
    if (request === undefined) return;
    const here = this.#membersOf(half);
    const free = here.filter(({ connection }) => !connection.lagging);
    const members = free.length > 0 ? free : here;
    // The next time the next one is asked: this one may not know, or not answer.
    const member = members[(half.root + checkTimes) % Math.max(members.length, 1)];
    if (member !== undefined) member.connection.oneway(request);
    else {
      const group = half.properties[PropertyName.PGROUP];
      this.#logger.warn('no producer of its group is here to be asked about a transaction', { group });
    }
  }

  #membersOf({ properties }: HalfMessage): readonly ClientChannel[] {
    const members = this.#producers.members(properties[PropertyName.PGROUP] ?? '') ?? [];
    return members.filter(({ connection }) => !connection.closed);
  }

  /** Whether all who are here have not read what they were asked before. */
  #isNobodyFree(half: HalfMessage): boolean {
    const members = this.#membersOf(half);
    return members.length > 0 && members.every(({ connection }) => connection.lagging);
  }
}
