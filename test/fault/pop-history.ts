import { virtualClock } from '../../core/testing/virtual-clock.js';
import { PopBroker, type PoppedMessage } from '../server/pop/pop-broker.js';
import { BrokerHistory, type FlushDiskType } from './broker-history.js';
import { Violation } from './ledger.js';

const INVISIBLE_MS_MAX = 20_000;
/** What comes back comes within the second after its time, and is there soon after that. */
const LATE_MS_MAX = 1_100;
const STEPS_MAX = 14;

interface Held {
  message: PoppedMessage;
  /** Until then it is the consumer's own. */
  expiresAt: number;
}

interface Sent {
  readonly id: string;
  /** Its producer was told that it is stored, and that a power failure does not take it back. */
  state: 'unanswered' | 'stored' | 'safe';
  /** `yes`: the broker said so while the consumer held it. */
  acked: 'no' | 'maybe' | 'stored' | 'yes';
  /** Who has it now, as far as that is known. */
  held: Held | undefined;
  /** It may have come back a second time: for a receipt whose time was over, or a kill between the two halves of a note. */
  isTwice: boolean;
}

/**
 * One history of popped messages: brokers that live one after the other on one volume, whose consumers pop, acknowledge, keep
 * messages longer or give them back, forget them, and that are stopped, killed in the middle of anything, or lose their
 * power. Everything is decided by the seed.
 * @throws Violation when a message is lost, comes back though it was acknowledged, or is handed out while somebody has it
 */
export async function runPopHistory(seed: number): Promise<void> {
  await new PopHistory(seed).run();
}

class PopHistory extends BrokerHistory<PopBroker> {
  readonly #sent = new Map<string, Sent>();

  constructor(seed: number) {
    super(seed, STEPS_MAX);
  }

  protected async step(pops: PopBroker, flushDiskType: FlushDiskType): Promise<void> {
    const random = this.random;
    switch (random.between(0, 13)) {
      case 0:
        this.dieLater(random.between(0, 8));
        return;
      case 1:
        void pops.broker.saveOffsets();
        return this.turns();
      case 2:
      case 3:
        return pops.clock.advance(random.of([10, 900, 3_300, 11_000, INVISIBLE_MS_MAX]));
      case 4:
      case 5:
      case 6:
        return this.#send(pops, flushDiskType);
      case 7:
      case 8:
      case 9:
        return this.#pop(pops);
      case 10:
        return this.#change(pops);
      default:
        return this.#ack(pops, flushDiskType);
    }
  }

  async #send(pops: PopBroker, flushDiskType: FlushDiskType): Promise<void> {
    const volume = this.volume;
    for (let count = this.random.between(1, 6); count > 0; count--) {
      const sent: Sent = {
        id: `p${this.#sent.size}`,
        state: 'unanswered',
        acked: 'no',
        held: undefined,
        isTwice: false,
      };
      this.#sent.set(sent.id, sent);
      void pops.broker.send(sent.id, {}, this.random.between(0, 2)).then(
        ({ code }) => {
          if (!volume.isDead && code === 0) sent.state = flushDiskType === 'SYNC_FLUSH' ? 'safe' : 'stored';
        },
        // Refused, or answered by nobody: the producer knows nothing of it.
        () => undefined,
      );
    }
    await this.turns();
  }

  /** Several consumers at a time. */
  async #pop(pops: PopBroker): Promise<void> {
    const random = this.random;
    const volume = this.volume;
    const violations: Violation[] = [];
    for (let count = random.between(1, 3); count > 0; count--) {
      const invisibleTime = random.of([500, 4_000, 10_000, INVISIBLE_MS_MAX]);
      const popTime = pops.clock.now();
      void pops.pop({ invisibleTime, maxMsgNums: random.of([1, 3, 32]) }).then(
        ({ messages }) => {
          if (volume.isDead) return;
          for (const message of messages) {
            try {
              this.#hold(message, popTime, popTime + invisibleTime);
            } catch (violation) {
              violations.push(violation as Violation);
            }
          }
        },
        () => undefined,
      );
    }
    await this.turns();
    if (violations[0] !== undefined) throw violations[0];
  }

  #hold(message: PoppedMessage, nowMs: number, expiresAt: number): void {
    const sent = this.#sent.get(message.id);
    if (sent === undefined) throw new Violation(`${message.id} was never sent`);
    if (sent.isTwice) return;
    if (sent.acked === 'yes' || sent.acked === 'stored') throw new Violation(`${sent.id} is back and was acknowledged`);
    if (sent.held !== undefined && sent.held.expiresAt > nowMs) {
      throw new Violation(`${sent.id} is handed out at ${nowMs} and somebody has it until ${sent.held.expiresAt}`);
    }
    sent.held = { message, expiresAt };
  }

  async #ack(pops: PopBroker, flushDiskType: FlushDiskType): Promise<void> {
    const volume = this.volume;
    const held = this.#held();
    for (let count = Math.min(held.length, this.random.between(1, 5)); count > 0; count--) {
      const sent = this.random.of(held);
      const holding = sent.held!;
      if (sent.acked !== 'no') continue;
      sent.acked = 'maybe';
      const isInTime = pops.clock.now() < holding.expiresAt;
      void pops.ack(holding.message).then(
        ({ code }) => {
          if (volume.isDead || code !== 0 || !isInTime) return;
          sent.acked = flushDiskType === 'SYNC_FLUSH' ? 'yes' : 'stored';
        },
        () => undefined,
      );
    }
    await this.turns();
  }

  async #change(pops: PopBroker): Promise<void> {
    const held = this.#held().filter(({ acked }) => acked === 'no');
    if (held.length === 0) return;
    const sent = this.random.of(held);
    const holding = sent.held!;
    const isInTime = pops.clock.now() < holding.expiresAt;
    sent.held = undefined;
    // Too late, or answered by nobody: it may have come back, and may be away for the new time as well.
    const wasTwice = sent.isTwice;
    sent.isTwice = true;
    const volume = this.volume;
    const invisibleTime = this.random.of([0, 3_000, INVISIBLE_MS_MAX]);
    const expiresAt = pops.clock.now() + invisibleTime;
    void pops.change(holding.message, invisibleTime).then(
      (message) => {
        if (volume.isDead || !isInTime) return;
        sent.isTwice = wasTwice;
        sent.held = { message, expiresAt };
      },
      () => undefined,
    );
    await this.turns();
  }

  #held(): Sent[] {
    return [...this.#sent.values()].filter(({ held }) => held !== undefined);
  }

  /** Everything that is written survives a kill, not what was only acknowledged before the power went. */
  protected powerIsLost(): void {
    for (const sent of this.#sent.values()) {
      if (sent.state === 'stored') sent.state = 'unanswered';
      if (sent.acked === 'stored') sent.acked = 'maybe';
      // That somebody has it may be forgotten too, and of two notes the second.
      sent.held = undefined;
      sent.isTwice ||= sent.acked !== 'yes';
    }
  }

  protected allIsSafe(): void {
    for (const sent of this.#sent.values()) {
      if (sent.state === 'stored') sent.state = 'safe';
      if (sent.acked === 'stored') sent.acked = 'yes';
    }
  }

  /** The last life: nothing fails, and all that was not acknowledged comes back. */
  protected async settle(): Promise<void> {
    const pops = await this.open('ASYNC_FLUSH');
    const seen = new Map<string, number>();
    for (let round = 0; round < 3; round++) {
      await pops.clock.advance(INVISIBLE_MS_MAX + LATE_MS_MAX);
      for (;;) {
        const popTime = pops.clock.now();
        const { messages } = await pops.pop();
        if (messages.length === 0) break;
        for (const message of messages) {
          this.#hold(message, popTime, popTime + 60_000);
          seen.set(message.id, (seen.get(message.id) ?? 0) + 1);
          await pops.ack(message);
        }
      }
    }
    await pops.close();
    for (const { id, state, acked } of this.#sent.values()) {
      const times = seen.get(id) ?? 0;
      if (state !== 'unanswered' && acked === 'no' && times === 0) throw new Violation(`${id} is lost`);
    }
  }

  protected betweenLivesMs(): number {
    return this.random.of([1, 1_000, 30_000]);
  }

  /** A message that comes back and the note that it did: the first may be there alone. */
  protected override writeIsTorn(): void {
    for (const sent of this.#sent.values()) sent.isTwice ||= sent.acked === 'no' || sent.acked === 'maybe';
  }

  protected open(flushDiskType: FlushDiskType): Promise<PopBroker> {
    return PopBroker.open({
      files: this.volume,
      clock: virtualClock({ nowMs: this.nowMs }),
      settings: { flushDelayOffsetInterval: 2_000 },
      store: {
        mappedFileSizeCommitLog: 16_384,
        mappedFileSizeConsumeQueue: 400,
        flushDiskType,
        openFilesMax: this.random.of([2, 8, 512]),
      },
    });
  }
}
