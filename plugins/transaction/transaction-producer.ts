import type {
  LocalTransactionState,
  OutgoingMessage,
  Producer,
  ProducerOptions,
  RawMessage,
  ReceivedMessage,
  SendOptions,
  SendResult,
  TypedMessage,
} from '../../core/index.js';

/** A message that the broker has and nobody can read yet. */
export interface HalfMessage {
  /** As it was sent; the body of a typed one encoded. */
  readonly message: OutgoingMessage;
  /** What the broker answered. */
  readonly result: SendResult;
  /** Names the transaction in checks too: the message's id. */
  readonly transactionId: string;
  /** Aborted when the send is cancelled or its time is over. How the branch ends is told to the broker all the same. */
  readonly signal: AbortSignal;
}

/** A message that a broker asks about: it was stored as a half one, and never heard of again. */
export interface CheckedMessage extends ReceivedMessage {
  readonly transactionId: string;
  /** How often the broker has asked, this time included. */
  readonly checkTimes: number;
}

/** The local branch. What it throws, and an answer that is none, count as `unknown`. */
export type Execute<A> = (half: HalfMessage, argument: A) => LocalTransactionState | Promise<LocalTransactionState>;

/** Finds out how a transaction ended, also one of another process or of before a restart. What it throws counts as `unknown`. */
export type Check = (message: CheckedMessage) => LocalTransactionState | Promise<LocalTransactionState>;

/**
 * What a transactional producer can be told: what any can, and two functions. `timeoutMs` is for a whole send, local branch
 * included; its default is 30,000 here, and that of `attemptTimeoutMs` 3,000.
 */
export interface TransactionProducerOptions<A = void> extends ProducerOptions {
  /** Runs when the broker has the half message; its answer ends the transaction. Matches executeLocalTransaction. */
  readonly execute: Execute<A>;
  /** Answers brokers that do not know how a transaction ended. Matches checkLocalTransaction. */
  readonly check: Check;
  /**
   * Topics whose brokers hear of this producer at once, before it sends anything: they may have questions about transactions
   * of before. Default: those of `createTopicKey`, which is every broker that creates topics by itself.
   */
  readonly topics?: readonly string[];
  /** Checks that run at one time; others wait, none is dropped. Default 16. */
  readonly checkConcurrency?: number;
  /** A check that takes longer counts as `unknown`, and lets the next one run. Default 30,000. */
  readonly checkTimeoutMs?: number;
}

/** How a transactional send ended. */
export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  /**
   * How the local branch ended: what it said, `unknown` when it failed, and `rollback`, without it having run, when the
   * broker did not store the half message safely (`status`).
   */
  readonly localState: LocalTransactionState;
  /** What the local branch threw. */
  readonly localError?: unknown;
}

/** Sends messages in transactions. Made by `mq.plugin(transactions).producer(options)`. */
export interface TransactionProducer<A = void> {
  readonly group: string;
  /** The producer beneath: for messages without a transaction, streams of events, `describe()`. */
  readonly producer: Producer;
  /**
   * Sends the half message, runs the local branch with `argument`, and tells the broker how it ended. A local branch that
   * fails fails nothing here: see `localState`. Delays of the message do not count, as in Java.
   * @throws as `producer.send`; RMQ_SEND_TIMEOUT also while the local branch runs, which then goes on
   */
  send(message: RawMessage, argument: A, options?: SendOptions): Promise<TransactionSendResult>;
  send<T>(message: TypedMessage<T>, argument: A, options?: SendOptions): Promise<TransactionSendResult>;
  /**
   * Takes no more, ends sends, local branches and checks that run, leaves the group: brokers then ask its other members.
   * `timeoutMs` is for all of it; default: as long as it takes.
   */
  close(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
