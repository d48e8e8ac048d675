import { setImmediate } from '../../../runtime/event-loop.js';
import type { DeletedTopics } from '../deleted-topics.js';
import type { OpenFiles } from '../files/open-files.js';
import { SegmentFiles } from '../files/segment-files.js';
import type { StoreFiles } from '../files/store-files.js';
import { ConsumeQueue } from './consume-queue.js';

/** Entries in memory over all queues (20 bytes each) before all of them are written, however short each tail is. */
const UNWRITTEN_ENTRIES_MAX = 262_144;

/** Queues that are looked through before the event loop gets a turn. */
const QUEUES_A_TURN = 32;

export interface ConsumeQueuesOptions {
  /** `…/consumequeue`. */
  readonly directory: string;
  readonly fileSizeBytes: number;
}

/** All queues of a store, in directories `<topic>/<queueId>`. A queue has files from its first message on. */
export class ConsumeQueues {
  readonly #options: ConsumeQueuesOptions;
  readonly #files: StoreFiles;
  readonly #open: OpenFiles;
  readonly #topics = new Map<string, Map<number, ConsumeQueue>>();
  readonly #unwritten = new Set<ConsumeQueue>();
  readonly #unsynced = new Set<ConsumeQueue>();
  /** Directories that got a name since their last sync. */
  readonly #newNames = new Set<string>();
  #unwrittenEntries = 0;
  /** Kept as queues change: there may be very many, and they are asked for all the time. */
  #count = 0;
  #tailSizeBytes = 0;

  constructor(options: ConsumeQueuesOptions, files: StoreFiles, open: OpenFiles) {
    this.#options = options;
    this.#files = files;
    this.#open = open;
  }

  /**
   * Finds the queues that are on disk; `mayBeTorn` after an unclean end.
   * @throws RMQ_STORE_UNUSABLE when a file has another length.
   */
  load(mayBeTorn: boolean): void {
    for (const topic of this.#files.list(this.#options.directory)) {
      for (const name of this.#files.list(`${this.#options.directory}/${topic}`)) {
        if (/^\d{1,10}$/.test(name)) this.#make(topic, Number(name)).load(mayBeTorn);
      }
    }
  }

  find(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#topics.get(topic)?.get(queueId);
  }

  has(topic: string): boolean {
    return this.#topics.has(topic);
  }

  findOrMake(topic: string, queueId: number): ConsumeQueue {
    return this.#topics.get(topic)?.get(queueId) ?? this.#make(topic, queueId);
  }

  *[Symbol.iterator](): IterableIterator<ConsumeQueue> {
    for (const queues of this.#topics.values()) yield* queues.values();
  }

  /** As {@link ConsumeQueue.put}, and remembers what has to be written. */
  put(queue: ConsumeQueue, queueOffset: number, commitLogOffset: number, sizeBytes: number, tagsCode: number): boolean {
    const { tailCount: before, tailSizeBytes } = queue;
    const taken = queue.put(queueOffset, commitLogOffset, sizeBytes, tagsCode);
    const added = queue.tailCount - before;
    if (added === 0) return taken;
    this.#tailSizeBytes += queue.tailSizeBytes - tailSizeBytes;
    if (before === 0) this.#unwritten.add(queue);
    this.#unwrittenEntries += added;
    return taken;
  }

  get hasUnwritten(): boolean {
    return this.#unwritten.size > 0;
  }

  get count(): number {
    return this.#count;
  }

  /** Entries in memory that are in no file yet, over all queues. */
  get unwrittenEntries(): number {
    return this.#unwrittenEntries;
  }

  /** Bytes of memory set aside for them. */
  get tailSizeBytes(): number {
    return this.#tailSizeBytes;
  }

  /** Writes the queue when its tail is long, and all of them when together they are. */
  writeDue(queue: ConsumeQueue): void {
    if (this.#unwrittenEntries >= UNWRITTEN_ENTRIES_MAX) this.writeAll();
    else if (queue.tailIsDue) this.#write(queue);
  }

  /** Writes every tail to its files. Throws what the file system says; what was not written stays in memory. */
  writeAll(): void {
    for (const queue of this.#unwritten) this.#write(queue);
  }

  /** Puts everything that {@link writeAll} wrote on the disk. */
  async sync(): Promise<void> {
    for (const queue of [...this.#unsynced]) {
      await queue.sync();
      if (queue.isSynced) this.#unsynced.delete(queue);
    }
    for (const directory of [...this.#newNames]) {
      // That of a topic may be gone since.
      if (!this.#newNames.delete(directory)) continue;
      await this.#files.syncDirectory(directory);
    }
  }

  /** See {@link ConsumeQueue.forgetFrom}. */
  forgetFrom(commitLogOffset: number): void {
    for (const queue of this) this.#counted(queue, () => queue.forgetFrom(commitLogOffset));
  }

  correctMinOffsets(commitLogStart: number): void {
    for (const queue of this) queue.correctMinOffset(commitLogStart);
  }

  /**
   * Corrects the first offsets after the commit log's own beginning has moved, and removes the files that hold nothing but
   * what lies in front of it. There may be very many queues, so the event loop gets turns in between.
   */
  async removeFilesBefore(commitLogStart: number, isStopped: () => boolean): Promise<void> {
    let looked = 0;
    for (const queue of [...this]) {
      if (isStopped()) return;
      queue.correctMinOffset(commitLogStart);
      await queue.removeFilesBefore(commitLogStart);
      if (++looked % QUEUES_A_TURN === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Removes a topic: its queues are empty for whoever still holds them, others are made in their place, and the names of
   * their files are gone from the disk when it returns.
   */
  remove(topic: string): void {
    for (const queue of this.#topics.get(topic)?.values() ?? []) this.#forget(queue);
    this.#removeDirectory(topic);
  }

  /** Removes the queues that hold nothing but records of deleted topics: a kill or a power failure may leave them. */
  removeDeleted(deleted: DeletedTopics): void {
    for (const queue of [...this]) {
      const { topic, queueId, lastCommitLogOffset } = queue;
      if (lastCommitLogOffset < 0 || !deleted.has(topic, lastCommitLogOffset)) continue;
      this.#forget(queue);
      if (this.#topics.get(topic)?.size === 0) this.#removeDirectory(topic);
      else this.#removeQueue(`${this.#options.directory}/${topic}`, queueId);
    }
  }

  /** Makes the files end where the queues do, and forgets queues that are empty. */
  cutFiles(): void {
    for (const queue of this) {
      this.#unsynced.add(queue);
      if (this.#counted(queue, () => queue.cutFiles())) {
        this.#directoriesMade(queue.topic);
        continue;
      }
      this.#unsynced.delete(queue);
      this.#leave(queue);
    }
    this.#unwritten.clear();
    this.#unwrittenEntries = 0;
  }

  #write(queue: ConsumeQueue): void {
    const { tailCount, hasFiles } = queue;
    try {
      this.#counted(queue, () => queue.writeTail());
    } finally {
      if (!hasFiles && queue.hasFiles) this.#directoriesMade(queue.topic);
    }
    this.#unwrittenEntries -= tailCount;
    this.#unwritten.delete(queue);
    this.#unsynced.add(queue);
  }

  #forget(queue: ConsumeQueue): void {
    if (this.#unwritten.delete(queue)) this.#unwrittenEntries -= queue.tailCount;
    this.#unsynced.delete(queue);
    this.#leave(queue);
    this.#counted(queue, () => queue.remove());
  }

  #leave({ topic, queueId }: ConsumeQueue): void {
    if (this.#topics.get(topic)?.delete(queueId) === true) this.#count--;
  }

  /** What may set memory for the queue's tail aside, or let it go. */
  #counted<T>(queue: ConsumeQueue, change: () => T): T {
    const { tailSizeBytes } = queue;
    const result = change();
    this.#tailSizeBytes += queue.tailSizeBytes - tailSizeBytes;
    return result;
  }

  /** At once, and on the disk: a queue that is made next has files of the same names. */
  #removeDirectory(topic: string): void {
    const directory = `${this.#options.directory}/${topic}`;
    this.#topics.delete(topic);
    this.#newNames.delete(directory);
    this.#files.removeDirectory(directory);
    this.#files.syncDirectorySync(this.#options.directory);
  }

  #removeQueue(directory: string, queueId: number): void {
    this.#files.removeDirectory(`${directory}/${queueId}`);
    this.#files.syncDirectorySync(directory);
  }

  #make(topic: string, queueId: number): ConsumeQueue {
    const directory = `${this.#options.directory}/${topic}/${queueId}`;
    const segments = new SegmentFiles(directory, this.#options.fileSizeBytes, this.#files, this.#open);
    const queue = new ConsumeQueue(topic, queueId, segments);
    let queues = this.#topics.get(topic);
    if (queues === undefined) {
      queues = new Map();
      this.#topics.set(topic, queues);
    }
    queues.set(queueId, queue);
    this.#count++;
    return queue;
  }

  /** The topic's own name and that of a queue in it are new, or were left unsynced by a process that was killed. */
  #directoriesMade(topic: string): void {
    this.#newNames.add(this.#options.directory);
    this.#newNames.add(`${this.#options.directory}/${topic}`);
  }
}
