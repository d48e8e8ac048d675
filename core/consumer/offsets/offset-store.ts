import type { MessageQueue } from '../../message/message.js';
import { type Token, token } from '../../runtime/token.js';

/** Where a group's position in its queues is kept. Topic names in queues are names on the wire. */
export interface OffsetStore {
  /**
   * The next offset to read, as stored; undefined when the group has none for this queue.
   * @throws when it could not be asked; the queue is then not read in this round
   */
  read(queue: MessageQueue): Promise<number | undefined>;
  /** Remembers a position for the next `persist`. */
  update(queue: MessageQueue, offset: number): void;
  /** Stores what changed, of these queues or of all. Never rejects: what failed is logged and stays for the next call. */
  persist(queues?: readonly MessageQueue[]): Promise<void>;
  /** Forgets a queue that is not ours any more. */
  remove(queue: MessageQueue): void;
}

/** Makes the store of one consumer. */
export type OffsetStoreFactory = (consumer: {
  /** The group on the wire. */
  readonly group: string;
  /** Told of every position that was stored. */
  readonly onPersisted?: (queue: MessageQueue, offset: number) => void;
}) => OffsetStore;

export const OffsetStoreFactory: Token<OffsetStoreFactory> = token('OffsetStoreFactory');
