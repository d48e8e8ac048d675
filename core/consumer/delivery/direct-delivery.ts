import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue, ReceivedMessage } from '../../message/message.js';
import type { ConsumeDirectlyResult } from '../../remoting/protocol/consume-directly-result.js';
import type { Clock } from '../../runtime/clock.js';
import type { DeliveryOutcome } from './delivery.js';
import type { DeliveryEnd } from './delivery-chain.js';
import { DeliveryPass } from './delivery-pass.js';
import type { Receiver } from './receiver.js';

export interface DirectDeliveryOptions {
  /** The group as the application writes it. */
  readonly group: string;
  /** As the consumer's option says; the operator is told. */
  readonly ordered: boolean;
  readonly receiver: Receiver;
  readonly deliver: DeliveryEnd;
  readonly clock: Clock;
}

/**
 * Hands one message to the handler because an operator asked for it, outside of every queue: no offset moves, nothing is sent
 * back, and concurrency does not count. Matches Apache's consumeMessageDirectly.
 * @throws RMQ_NOT_RUNNING when there is no handler to call
 */
export function deliverDirectly(
  message: ReceivedMessage,
  queue: MessageQueue,
  { group, ordered, receiver, deliver, clock }: DirectDeliveryOptions,
): Promise<ConsumeDirectlyResult> {
  if (!receiver.endsByItself) {
    const why = `consumer ${group} has no handler: its messages are taken by an ${receiver.kind}`;
    return Promise.reject(rocketMQError('RMQ_NOT_RUNNING', why, { state: 'running' }));
  }
  const { signal } = new AbortController();
  const facts = { group, queue, attempt: message.reconsumeTimes, ended: false, signals: { signalOf: () => signal } };
  const startedMs = clock.monotonic();
  return new Promise((resolve) => {
    deliver(new DeliveryPass(facts, [message]), (outcome) => {
      resolve(resultOf(outcome, ordered, Math.round(clock.monotonic() - startedMs)));
    });
  });
}

function resultOf(outcome: DeliveryOutcome, order: boolean, spentTimeMills: number): ConsumeDirectlyResult {
  const facts = { order, autoCommit: true, spentTimeMills };
  const own = outcome.kind === 'each' ? outcome.outcomes[0] : outcome;
  if (own === undefined || own.kind === 'ack') return { ...facts, consumeResult: 'CR_SUCCESS', remark: undefined };
  if (own.kind === 'deadLetter') return { ...facts, consumeResult: 'CR_LATER', remark: `dead letter: ${own.reason}` };
  if (own.error === undefined) return { ...facts, consumeResult: 'CR_LATER', remark: undefined };
  return { ...facts, consumeResult: 'CR_THROW_EXCEPTION', remark: String(own.error) };
}
