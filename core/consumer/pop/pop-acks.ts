import { isRocketMQError } from '../../errors/rocketmq-error.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { Clock, Timer } from '../../runtime/clock.js';
import type { ConsumedQueue } from '../queues/consumed-queue.js';
import type { PopRequests, ReceivedPop } from './pop-requests.js';
import type { PoppedMessage } from './popped-message.js';

/** Acknowledgements in one request, at most. */
const BATCH_MAX = 256;
/** An acknowledgement that did not arrive is sent again after. */
const RETRY_MS = 1_000;

/** A message that is done. */
export interface PopAck extends ReceivedPop {
  readonly consumed: ConsumedQueue;
  readonly pulled: PoppedMessage;
}

export interface PopAcksServices {
  readonly requests: PopRequests;
  readonly clock: Clock;
  /** The message comes again: the broker was not told in time, or did not take it. */
  readonly onLost: (ack: PopAck, error: unknown) => void;
}

/**
 * Tells brokers what is done. One request a broker at a time: what is done meanwhile goes with the next, together, where the
 * broker knows that. What did not arrive is sent again while the message is invisible.
 */
export class PopAcks {
  readonly #services: PopAcksServices;
  readonly #waiting = new Map<string, PopAck[]>();
  readonly #sending = new Map<string, Promise<void>>();
  /** Those that did not arrive and are sent again after a while. */
  readonly #later = new Map<PopAck, Timer>();
  /** Brokers that know ACK_MESSAGE only. */
  readonly #oneByOne = new Set<string>();
  #stopped = false;

  constructor(services: PopAcksServices) {
    this.#services = services;
  }

  add(ack: PopAck): void {
    const { brokerName } = ack.receipt;
    const waiting = this.#waiting.get(brokerName);
    if (waiting === undefined) this.#waiting.set(brokerName, [ack]);
    else waiting.push(ack);
    if (!this.#sending.has(brokerName)) {
      // What ends in the same turn goes together.
      const sending = Promise.resolve().then(() => this.#send(brokerName));
      this.#sending.set(brokerName, sending);
    }
  }

  /** Sends what waits, once, and what was to be sent again. Never rejects. */
  async drain(): Promise<void> {
    this.#stopped = true;
    for (const [ack, timer] of this.#later) {
      timer.cancel();
      this.add(ack);
    }
    this.#later.clear();
    while (this.#sending.size > 0) await Promise.all(this.#sending.values());
  }

  /** Never rejects. */
  async #send(brokerName: string): Promise<void> {
    for (let waiting = this.#take(brokerName); waiting.length > 0; waiting = this.#take(brokerName)) {
      await this.#sendTogether(brokerName, waiting);
    }
    this.#sending.delete(brokerName);
  }

  #take(brokerName: string): readonly PopAck[] {
    const waiting = this.#waiting.get(brokerName) ?? [];
    const taken = waiting.splice(0, BATCH_MAX);
    if (waiting.length === 0) this.#waiting.delete(brokerName);
    return taken;
  }

  async #sendTogether(brokerName: string, acks: readonly PopAck[]): Promise<void> {
    if (acks.length > 1 && !this.#oneByOne.has(brokerName)) {
      try {
        await this.#services.requests.acknowledgeAll(brokerName, acks);
        return;
      } catch (error) {
        if (!isUnknownRequest(error)) {
          for (const ack of acks) this.#failed(ack, error);
          return;
        }
        this.#oneByOne.add(brokerName);
      }
    }
    await Promise.all(acks.map((ack) => this.#sendOne(ack)));
  }

  async #sendOne(ack: PopAck): Promise<void> {
    try {
      await this.#services.requests.acknowledge(ack);
    } catch (error) {
      this.#failed(ack, error);
    }
  }

  #failed(ack: PopAck, error: unknown): void {
    const { clock, onLost } = this.#services;
    const final = isRocketMQError(error, 'RMQ_BROKER_ERROR') && !error.retryable;
    const inTime = clock.monotonic() + RETRY_MS < ack.pulled.invisibleUntilMs;
    if (final || this.#stopped || !inTime) {
      onLost(ack, error);
      return;
    }
    const timer = clock.setTimer(RETRY_MS, () => {
      this.#later.delete(ack);
      this.add(ack);
    });
    this.#later.set(ack, timer);
  }
}

function isUnknownRequest(error: unknown): boolean {
  return isRocketMQError(error, 'RMQ_BROKER_ERROR') && error.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED;
}
