import { from, mergeMap } from 'rxjs';
import {
  type CreatedContext,
  type OutgoingMessage,
  type PluginHost,
  PropertyName,
  type SendInterceptor,
  type SendResult,
  type SettledContext,
  type StateKey,
} from '../../core/index.js';
import { endTransaction } from './end-transaction.js';
import { askLocal } from './local-state.js';
import type { Execute, TransactionSendResult } from './transaction-producer.js';

/** What a transactional send carries with it. */
export interface TransactionCall {
  /** For the local branch. */
  readonly argument: unknown;
  /** Of the broker that took the half message. */
  brokerAddress: string | undefined;
}

/** Marks a send as one of a transaction. */
export const CALL: StateKey<TransactionCall> = { name: 'transaction' };

/** One transactional producer, as its interceptor sees it. */
export interface InterceptedGroup {
  readonly group: string;
  readonly wireGroup: string;
  readonly execute: Execute<unknown>;
  /** Local branches that run, also those whose sends have ended without them. */
  readonly running: Set<Promise<unknown>>;
}

const FRACTION_DIGITS = 16;

/** The part in front of all stages: marks the message, and when the broker has it runs the local branch and ends it. */
export function transactionInterceptor(
  host: PluginHost,
  group: InterceptedGroup,
  topicToWire: (topic: string) => string,
): SendInterceptor<CreatedContext> {
  return (context, next) => {
    const call = context.get(CALL);
    if (call === undefined) return next(context);
    const { message, signal } = context;
    const half = halfMessage(message, group.wireGroup);
    return next(context.with({ message: half })).pipe(
      mergeMap((result) => {
        const finishing = finish(host, group, { call, message, result, signal }, topicToWire);
        group.running.add(finishing);
        const forget = (): void => void group.running.delete(finishing);
        finishing.then(forget, forget);
        return from(finishing);
      }),
    );
  };
}

/** The part behind the request: remembers which broker took it. */
export const brokerInterceptor: SendInterceptor<SettledContext> = (context, next) => {
  const call = context.get(CALL);
  if (call !== undefined && context.outcome.kind === 'result') call.brokerAddress = context.broker.address;
  return next(context);
};

/** Matches Apache's sendMessageInTransaction, which takes delays away too. */
function halfMessage(message: OutgoingMessage, wireGroup: string): OutgoingMessage {
  const { delay: _, delayLevel: __, deliverAt: ___, ...rest } = message;
  const { TRAN_MSG, PGROUP } = PropertyName;
  return { ...rest, systemProperties: { ...message.systemProperties, [TRAN_MSG]: 'true', [PGROUP]: wireGroup } };
}

interface SentHalf {
  readonly call: TransactionCall;
  readonly message: OutgoingMessage;
  readonly result: SendResult;
  readonly signal: AbortSignal;
}

/** Once begun it goes to its end, whatever becomes of the send: the broker has to hear how the local branch ended. */
async function finish(
  host: PluginHost,
  { group, wireGroup, execute }: InterceptedGroup,
  { call, message, result, signal }: SentHalf,
  topicToWire: (topic: string) => string,
): Promise<TransactionSendResult> {
  const { msgId, queue, regionId } = result;
  const transactionId = result.transactionId ?? msgId;
  // What is not stored safely is not begun. Matches Apache's sendMessageInTransaction.
  const { state, error } =
    result.status === 'SEND_OK'
      ? await askLocal('the local branch', () => execute({ message, result, transactionId, signal }, call.argument))
      : { state: 'rollback' as const, error: undefined };
  if (error !== undefined) {
    host.logger.warn('a local branch failed; the broker will ask', { group, transactionId, error });
  }
  const { topic, tag, keys } = message;
  await endTransaction(host, {
    target: { brokerName: queue.brokerName, topic: queue.topic },
    place: {
      wireGroup,
      wireTopic: topicToWire(queue.topic),
      tranStateTableOffset: String(result.queueOffset),
      commitLogOffset: commitLogOffsetOf(result.offsetMsgId ?? ''),
      transactionId: result.transactionId,
    },
    context: {
      producerGroup: group,
      message: { topic, ...(tag !== undefined && { tag }), ...(keys !== undefined && { keys }) },
      msgId,
      transactionId,
      brokerName: queue.brokerName,
      brokerAddress: call.brokerAddress ?? '',
      regionId,
      transactionState: state,
      fromTransactionCheck: false,
    },
    error,
    remark: 'executeLocalTransactionBranch exception',
  });
  return { ...result, transactionId, localState: state, ...(error !== undefined && { localError: error }) };
}

/** The last eight bytes of an offset id. Exact, however long the log. */
function commitLogOffsetOf(offsetMsgId: string): string {
  return BigInt(`0x${offsetMsgId.slice(-FRACTION_DIGITS)}`).toString();
}
