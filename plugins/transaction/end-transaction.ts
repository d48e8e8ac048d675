import {
  type EndTransactionContext,
  type LocalTransactionState,
  type OutgoingCommand,
  type PluginHost,
  RequestCode,
  type RequestTarget,
} from '../../core/index.js';
import { wordsOf } from './local-state.js';

/** Bits of sysFlag that say how a transaction ends. Matches Apache's MessageSysFlag. */
const COMMIT_OR_ROLLBACK: Readonly<Record<LocalTransactionState, number>> = { unknown: 0, commit: 8, rollback: 12 };
const TIMEOUT_MS = 3_000;

/** Where the half message lies. Numbers are text: they go back to the broker as they came. */
export interface HalfPlace {
  /** Of the producer, as the wire has it. */
  readonly wireGroup: string;
  /** As the wire has it, or whatever the broker said in its question; undefined leaves it out. */
  readonly wireTopic: string | undefined;
  readonly tranStateTableOffset: string;
  readonly commitLogOffset: string;
  /** Undefined leaves it out, as Java does where the broker said none. */
  readonly transactionId: string | undefined;
}

/** One end of a transaction. */
export interface TransactionEnding {
  readonly target: RequestTarget;
  readonly place: HalfPlace;
  /** What listeners are told. */
  readonly context: EndTransactionContext;
  /** What went wrong in finding out; goes along as the remark. */
  readonly error: unknown;
  readonly remark: string;
}

/**
 * Tells the broker how a transaction ends, and listeners that it does. The request is oneway: where it is lost the broker
 * asks. So a failure is only logged. Matches Apache's DefaultMQProducerImpl.endTransaction.
 */
export async function endTransaction(host: PluginHost, ending: TransactionEnding): Promise<void> {
  const { target, context } = ending;
  host.reportEndTransaction(context);
  try {
    await host.oneway(target, endRequest(ending), { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    const { transactionId, transactionState: state } = context;
    host.logger.warn('the broker was not told how a transaction ended; it will ask', { transactionId, state, error });
  }
}

/** END_TRANSACTION, with the topic that 5.x adds. */
function endRequest({ place, context, error, remark }: TransactionEnding): OutgoingCommand {
  return {
    code: RequestCode.END_TRANSACTION,
    ext: {
      topic: place.wireTopic,
      producerGroup: place.wireGroup,
      tranStateTableOffset: place.tranStateTableOffset,
      commitLogOffset: place.commitLogOffset,
      commitOrRollback: COMMIT_OR_ROLLBACK[context.transactionState],
      fromTransactionCheck: context.fromTransactionCheck,
      msgId: context.msgId,
      transactionId: place.transactionId,
      bname: context.brokerName,
    },
    ...(error !== undefined && { remark: `${remark}: ${wordsOf(error)}` }),
  };
}
