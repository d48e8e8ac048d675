import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { type RocketMQError, rocketMQError } from '../../errors/rocketmq-error.js';
import type { SettledContext } from '../context.js';
import { FaultStrategy } from '../fault-strategy.js';
import { isHeld } from '../flight.js';
import { ended, failed } from '../later.js';
import type { NotStoredPolicy } from '../options.js';
import type { SendResult } from '../send-result.js';
import type { UpdateFaultStage } from '../stage.js';
import { ProducerScope } from '../tokens.js';

type Fault = 'unreachable' | 'refused' | 'timeout';

/** How the failures that a broker is answerable for are remembered; others leave no trace on it. */
const FAULTS: Readonly<Record<string, Fault | undefined>> = {
  RMQ_REQUEST_TIMEOUT: 'timeout',
  RMQ_BROKER_ERROR: 'refused',
  RMQ_CONNECT_FAILED: 'unreachable',
  RMQ_CONNECTION_LOST: 'unreachable',
  RMQ_FRAME_INVALID: 'unreachable',
  RMQ_BROKER_NOT_FOUND: 'unreachable',
};

/**
 * Stage 6, the end of the chain: records how long the broker took or that it failed, then turns the outcome into the
 * result or raises it. The only place that does.
 */
@injectable()
export class UpdateFault implements UpdateFaultStage {
  readonly #faults: FaultStrategy;
  readonly #notStored: NotStoredPolicy;

  constructor(@inject(ProducerScope) scope: ProducerScope, @inject(FaultStrategy) faults: FaultStrategy) {
    this.#faults = faults;
    this.#notStored = scope.options.notStored;
  }

  run(context: SettledContext): Observable<SendResult> {
    const { outcome } = context;
    const { brokerName, topic } = context.queue;
    if (outcome.kind === 'failure') {
      const fault = isHeld(outcome.error) ? undefined : FAULTS[outcome.error.code];
      if (fault !== undefined) this.#faults.record(brokerName, outcome.elapsedMs, fault, topic);
      return failed(context, outcome.error);
    }
    const { result } = outcome;
    // How fast bytes are handed to a socket says nothing of the broker behind it.
    if (result.status === 'HANDED_OVER') return ended(context, result);
    if (this.#faults.records !== false) this.#faults.record(brokerName, outcome.elapsedMs, undefined, topic);
    if (result.status === 'SEND_OK' || this.#notStored === 'return') return ended(context, result);
    return failed(context, notStored(result));
  }
}

function notStored(result: SendResult): RocketMQError {
  const { status, msgId, queue } = result;
  const message = `Broker ${queue.brokerName} answered ${status}: the message is stored, but not flushed or replicated in time`;
  return rocketMQError('RMQ_NOT_STORED', message, { status, topic: queue.topic, broker: queue.brokerName, msgId });
}
