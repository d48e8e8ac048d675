import {
  type CreatedContext,
  followed,
  type OutgoingMessage,
  type PluginHost,
  PropertyName,
  type SendInterceptor,
  type SendResult,
  type StateKey,
} from '../../core/index.js';
import { endTransaction, type TransactionEnding } from './end-transaction.js';
import { askLocal, type LocalAnswer } from './local-state.js';
import type { RunningBranches } from './running-branches.js';
import type { Execute, HalfMessage, TransactionSendResult } from './transaction-producer.js';

/** What a transactional send carries with it. */
export interface TransactionCall {
  /** For the local branch. */
  readonly argument: unknown;
}

/** Marks a send as one of a transaction. */
export const CALL: StateKey<TransactionCall> = { name: 'transaction' };

/** One transactional producer, as its interceptor sees it. */
export interface InterceptedGroup {
  readonly group: string;
  readonly wireGroup: string;
  readonly execute: Execute<unknown>;
  readonly running: RunningBranches;
  /** What the wire calls a topic that the application names so. */
  topicToWire(topic: string): string;
}

const NOT_BEGUN: LocalAnswer = { state: 'rollback', error: undefined };
/** Hex digits of a 32-bit half of an offset. */
const HALF_DIGITS = 8;

/** In front of all stages: marks the message, and when the broker has it runs the local branch and ends the transaction. */
export function transactionInterceptor(host: PluginHost, group: InterceptedGroup): SendInterceptor<CreatedContext> {
  return (context, next) => {
    const call = context.get(CALL);
    if (call === undefined) return next(context);
    const { message } = context;
    const half = context.with({ message: halfMessage(message, group.wireGroup) });
    return followed(next(half), (result) => finish(host, group, new SentHalf(context, message, result), call));
  };
}

/** Matches Apache's sendMessageInTransaction, which takes delays away too. */
function halfMessage(message: OutgoingMessage, wireGroup: string): OutgoingMessage {
  const { delay: _, delayLevel: __, deliverAt: ___, ...rest } = message;
  const { TRAN_MSG, PGROUP } = PropertyName;
  return { ...rest, systemProperties: { ...message.systemProperties, [TRAN_MSG]: 'true', [PGROUP]: wireGroup } };
}

/** What a local branch is told. */
class SentHalf implements HalfMessage {
  readonly #context: CreatedContext;
  readonly message: OutgoingMessage;
  readonly result: SendResult;
  readonly transactionId: string;

  constructor(context: CreatedContext, message: OutgoingMessage, result: SendResult) {
    this.#context = context;
    this.message = message;
    this.result = result;
    this.transactionId = result.transactionId ?? result.msgId;
  }

  /** Most branches never ask, and a signal is the dearest part of a send. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }
}

/** Once begun it goes to its end, whatever becomes of the send: the broker has to hear how the local branch ended. */
async function finish(
  host: PluginHost,
  group: InterceptedGroup,
  half: SentHalf,
  { argument }: TransactionCall,
): Promise<TransactionSendResult> {
  const { result, transactionId } = half;
  group.running.begin();
  try {
    // What is not stored safely is not begun. Matches Apache's sendMessageInTransaction.
    const answer =
      result.status === 'SEND_OK' ? await askLocal('the local branch', () => group.execute(half, argument)) : NOT_BEGUN;
    const { state, error } = answer;
    if (error !== undefined) {
      const facts = { group: group.group, transactionId, error };
      host.logger.warn('a local branch failed; the broker will ask', facts);
    }
    await endTransaction(host, endingOf(host, group, half, answer));
    return { ...result, transactionId, localState: state, ...(error !== undefined && { localError: error }) };
  } finally {
    group.running.end();
  }
}

function endingOf(
  host: PluginHost,
  transactional: InterceptedGroup,
  { message, result, transactionId }: SentHalf,
  { state, error }: LocalAnswer,
): TransactionEnding {
  const { group, wireGroup } = transactional;
  const { topic, tag, keys } = message;
  const { msgId, queue, regionId } = result;
  const { brokerName } = queue;
  const address = host.brokerAddress(brokerName);
  return {
    target: address === undefined ? { brokerName, topic: queue.topic } : { address },
    place: {
      wireGroup,
      wireTopic: transactional.topicToWire(queue.topic),
      tranStateTableOffset: String(result.queueOffset),
      commitLogOffset: commitLogOffsetOf(result.offsetMsgId ?? ''),
      transactionId: result.transactionId,
    },
    context: {
      producerGroup: group,
      message: { topic, ...(tag !== undefined && { tag }), ...(keys !== undefined && { keys }) },
      msgId,
      transactionId,
      brokerName,
      brokerAddress: address ?? '',
      regionId,
      transactionState: state,
      fromTransactionCheck: false,
    },
    error,
    remark: 'executeLocalTransactionBranch exception',
  };
}

/** The last eight bytes of an offset id. Exact, however long the log. */
function commitLogOffsetOf(offsetMsgId: string): string {
  const high = Number.parseInt(offsetMsgId.slice(-2 * HALF_DIGITS, -HALF_DIGITS), 16);
  const offset = high * 2 ** 32 + Number.parseInt(offsetMsgId.slice(-HALF_DIGITS), 16);
  return Number.isSafeInteger(offset) ? String(offset) : BigInt(`0x${offsetMsgId.slice(-2 * HALF_DIGITS)}`).toString();
}
