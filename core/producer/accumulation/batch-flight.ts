import { isRocketMQError, type RocketMQError } from '../../errors/rocketmq-error.js';
import type { SendResult } from '../../pipeline/send-result.js';
import type { Whereabouts } from '../../pipeline/send-state.js';
import type { ProducerSend, SendObserver } from '../producer-send.js';
import { type BatchPart, resultsOf } from './batch-part.js';
import { type Carrier, type HeldSend, WAITING } from './held-send.js';

/** Sends that waited for one another and now travel as one; each hears of its own end. */
export class BatchFlight implements Carrier, SendObserver {
  readonly #sends: readonly HeldSend[];
  readonly #part: BatchPart;
  readonly #aboard: Set<HeldSend>;
  #send: ProducerSend | undefined;

  constructor(sends: readonly HeldSend[], part: BatchPart) {
    this.#sends = sends;
    this.#part = part;
    this.#aboard = new Set(sends);
    for (const send of sends) send.carrier = this;
  }

  launch(begin: (part: BatchPart, observer: SendObserver) => ProducerSend): void {
    this.#send = begin(this.#part, this);
    // All of them may have been cancelled while it began.
    if (this.#aboard.size === 0) this.#send.cancel();
  }

  get sent(): 'no' | 'maybe' {
    return this.#send?.sent ?? 'no';
  }

  get whereabouts(): Whereabouts {
    return this.#send === undefined ? WAITING : this.#send.chain.whereabouts(this.#send.position);
  }

  leave(send: HeldSend): void {
    this.#aboard.delete(send);
    if (this.#aboard.size === 0) this.#send?.cancel();
  }

  onResult(result: SendResult): void {
    const results = resultsOf(result, this.#part);
    for (const [index, send] of this.#sends.entries()) send.onResult(results[index]!);
  }

  onError(error: RocketMQError): void {
    for (const send of this.#sends) send.onError(ownError(send, error));
  }
}

/** A time-out in the words of the caller's own; all else is the same for all. */
function ownError(send: HeldSend, error: RocketMQError): RocketMQError {
  if (!isRocketMQError(error, 'RMQ_SEND_TIMEOUT')) return error;
  const { stage, plugin, sent } = error;
  const where = { ...(stage !== undefined && { stage }), ...(plugin !== undefined && { plugin }) };
  return send.timedOut(where, sent, error.cause);
}
