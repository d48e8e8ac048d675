import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { MessageIndex } from '../index/message-index.js';
import type { Checkpoint } from './checkpoint.js';

export interface CheckpointerParts {
  readonly log: CommitLog;
  readonly queues: ConsumeQueues;
  readonly checkpoint: Checkpoint;
  readonly index: Pick<MessageIndex, 'save'> | undefined;
  /** As recovery found it. */
  readonly lastStoreTimestamp: number;
}

/**
 * Moves the checkpoint on: only after records, queue entries and the index are on the disk does it name the times up to
 * which they are.
 */
export class Checkpointer {
  readonly #log: CommitLog;
  readonly #queues: ConsumeQueues;
  readonly #checkpoint: Checkpoint;
  /** Undefined without an index: its value stays as it was found. */
  readonly #index: Pick<MessageIndex, 'save'> | undefined;
  /** Store time of the newest message that is in the log and in its queue, and where it ends. */
  #indexed: { readonly storeTimestamp: number; readonly end: number };
  #savedOffset = 0;

  constructor({ log, queues, checkpoint, index, lastStoreTimestamp }: CheckpointerParts) {
    this.#log = log;
    this.#queues = queues;
    this.#checkpoint = checkpoint;
    this.#index = index;
    this.#indexed = { storeTimestamp: lastStoreTimestamp, end: log.endOffset };
  }

  indexed(storeTimestamp: number, end: number): void {
    this.#indexed = { storeTimestamp, end };
  }

  /** Records in front of it are on the disk, and so are their places in queues. */
  get savedOffset(): number {
    return this.#savedOffset;
  }

  async save(): Promise<void> {
    const { storeTimestamp: timestamp, end } = this.#indexed;
    this.#queues.writeAll();
    await this.#log.sync();
    await this.#queues.sync();
    this.#savedOffset = Math.max(this.#savedOffset, end);
    const { values } = this.#checkpoint;
    const indexMsgTimestamp = (await this.#index?.save()) ?? values.indexMsgTimestamp;
    const isAhead = timestamp > values.physicMsgTimestamp || timestamp > values.logicsMsgTimestamp;
    if (!isAhead && indexMsgTimestamp === values.indexMsgTimestamp) return;
    const others = isAhead ? { physicMsgTimestamp: timestamp, logicsMsgTimestamp: timestamp } : values;
    await this.#checkpoint.save({ ...values, ...others, indexMsgTimestamp });
  }
}
