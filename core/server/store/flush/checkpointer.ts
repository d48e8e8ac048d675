import type { Checkpoint } from '../checkpoint.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';

/**
 * Moves the checkpoint on: only after records and queue entries are on the disk does it name the time up to which they
 * are. The index has a value of its own, which stays as it was found.
 */
export class Checkpointer {
  readonly #log: CommitLog;
  readonly #queues: ConsumeQueues;
  readonly #checkpoint: Checkpoint;
  /** Store time of the newest message that is in the log and in its queue. */
  #indexedTimestamp: number;

  constructor(log: CommitLog, queues: ConsumeQueues, checkpoint: Checkpoint, indexedTimestamp: number) {
    this.#log = log;
    this.#queues = queues;
    this.#checkpoint = checkpoint;
    this.#indexedTimestamp = indexedTimestamp;
  }

  indexed(storeTimestamp: number): void {
    this.#indexedTimestamp = storeTimestamp;
  }

  async save(): Promise<void> {
    const timestamp = this.#indexedTimestamp;
    this.#queues.writeAll();
    await this.#log.sync();
    await this.#queues.sync();
    const { values } = this.#checkpoint;
    if (timestamp <= values.physicMsgTimestamp && timestamp <= values.logicsMsgTimestamp) return;
    await this.#checkpoint.save({ ...values, physicMsgTimestamp: timestamp, logicsMsgTimestamp: timestamp });
  }
}
