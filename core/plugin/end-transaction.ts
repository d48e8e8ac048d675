import type { OutgoingMessage } from '../message/message.js';

/** How a local branch ended, or what a check found out about it. Matches Apache's LocalTransactionState. */
export type LocalTransactionState = 'commit' | 'rollback' | 'unknown';

/** A transaction that is being ended. Names are as the application writes them. Matches Apache's EndTransactionContext. */
export interface EndTransactionContext {
  readonly producerGroup: string;
  /** What is known of the message: for a check, what the broker sent back of it. */
  readonly message: Pick<OutgoingMessage, 'topic' | 'tag' | 'keys'>;
  /** The id that the sender gave the message (property UNIQ_KEY). */
  readonly msgId: string;
  readonly transactionId: string;
  /** Undefined where a broker that asked did not say its name (4.9). */
  readonly brokerName: string | undefined;
  /** `host:port` to which the end is sent. */
  readonly brokerAddress: string;
  /** `DefaultRegion` unless the broker says otherwise. */
  readonly regionId: string;
  readonly transactionState: LocalTransactionState;
  /** Whether the broker had asked for it. */
  readonly fromTransactionCheck: boolean;
}

/** Who is told of ended transactions. */
export interface EndTransactionListener {
  readonly plugin: string;
  readonly listener: (context: EndTransactionContext) => void;
}
