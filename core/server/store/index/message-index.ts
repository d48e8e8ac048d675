import type { Clock, Timer } from '../../../runtime/clock.js';
import { setImmediate } from '../../../runtime/event-loop.js';
import type { Logger } from '../../../runtime/logger.js';
import type { CommitLog } from '../commitlog/commit-log.js';
import type { IndexVisitor } from './index-file.js';
import type { IndexFiles } from './index-files.js';
import { IndexKeys } from './index-keys.js';
import { indexKeyHash } from './index-layout.js';
import type { LinkedKeys } from './linked-keys.js';
import { LogFollower } from './log-follower.js';

/** Keys in memory (20 bytes each) before they are written to a file. */
const KEYS_DUE = 65_536;
/** Work at the index is followed by so many times as long without any, unless somebody waits for it. */
const REST_FACTOR = 9;
/** A question waits so long at most for messages that came before it to be found. */
const CATCH_UP_MS_MAX = 2_000;

export interface MessageIndexParts {
  readonly log: CommitLog;
  readonly files: IndexFiles;
  /** Behind the newest message that can be read: what lies beyond is not to be found yet. */
  readonly readableOffset: () => number;
  /** Whether the last run ended so that the files may be torn. */
  readonly mayBeTorn: boolean;
  /** Store time of the newest message whose entries were on the disk then. */
  readonly trustedUntil: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface IndexQuery {
  readonly topic: string;
  readonly key: string;
  /** Store times in milliseconds, both included. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Where messages lie by their keys (Apache's IndexService). It reads the commit log after the messages are stored, a little
 * at a time, so that no send waits for it; a question first brings it up to date. It can always be made anew from the log:
 * what goes wrong here costs time, never a message.
 */
export class MessageIndex {
  readonly #parts: MessageIndexParts;
  readonly #follower: LogFollower;
  readonly #keys = new IndexKeys();
  /** Made of the first keys; kept when they could not be written. */
  #linked: LinkedKeys | undefined;
  /** Ends when what is under way has: one thing at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Store time up to which the last checkpoint says that everything is on the disk. */
  #trustedUntil: number;
  #isPrepared = false;
  #hasFailed = false;
  #stopped = false;
  #rest: { readonly timer: Timer; readonly end: () => void } | undefined;

  constructor(parts: MessageIndexParts) {
    this.#parts = parts;
    this.#trustedUntil = parts.trustedUntil;
    this.#follower = new LogFollower(parts.log, parts.logger);
  }

  /** Takes over what was stored since the last time, with pauses; never rejects. */
  async follow(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      const startedMs = clock.monotonic();
      const isMore = await this.#alone(() => this.#logged(() => this.#step()));
      if (isMore !== true || this.#stopped) break;
      await this.#pause(REST_FACTOR * (clock.monotonic() - startedMs));
    }
    if (!this.#stopped) await this.#alone(() => this.#logged(() => this.#write()));
  }

  /** Tells the visitor of places where the key may be found, the newest message first, until it has enough. */
  async find({ topic, key, begin, end }: IndexQuery, visit: IndexVisitor): Promise<void> {
    await this.#alone(() => this.#logged(() => this.#catchUp(CATCH_UP_MS_MAX)));
    const keyHash = indexKeyHash(topic, key);
    for (const file of this.#parts.files.all.toReversed()) {
      // Removed while others were looked at: so are its messages.
      if (!this.#parts.files.all.includes(file)) continue;
      const { beginTimestamp, endTimestamp, count } = file.header;
      // A file that holds nothing yet says nothing of the time of those in front of it.
      if (count === 1) continue;
      const isConcerned = beginTimestamp <= end && endTimestamp >= begin;
      if (isConcerned && !(await file.find(keyHash, { begin, end }, visit))) return;
      if (beginTimestamp < begin) return;
    }
  }

  /** Store time and place of the newest message that can be found; zeros without any. */
  get newest(): { readonly storeTimestamp: number; readonly commitLogOffset: number } {
    const header = this.#parts.files.newestWithEntries?.header;
    return { storeTimestamp: header?.endTimestamp ?? 0, commitLogOffset: header?.endOffset ?? 0 };
  }

  /**
   * Puts what was taken over on the disk. Resolves with the store time up to which all messages that were taken over are
   * there, 0 when that is not known; never rejects.
   */
  async save(): Promise<number> {
    const saved = await this.#alone(() =>
      this.#logged(async () => {
        await this.#write();
        await this.#sync();
        const { storeTimestamp } = this.newest;
        this.#trustedUntil = Math.max(this.#trustedUntil, storeTimestamp);
        // Another message may get the same time as long as the clock has not moved on.
        return this.#parts.clock.now() > storeTimestamp ? storeTimestamp : Math.max(0, storeTimestamp - 1);
      }),
    );
    return saved ?? 0;
  }

  /** Removes the files that name nothing but what lies in front of `commitLogStart`. */
  removeBefore(commitLogStart: number): Promise<void> {
    return this.#alone(async () => {
      await this.#prepare();
      await this.#parts.files.removeBefore(commitLogStart);
    });
  }

  /** Lets {@link follow} end soon. */
  stop(): void {
    this.#stopped = true;
    this.#rest?.timer.cancel();
    this.#rest?.end();
  }

  /** Takes over what is left and puts everything on the disk. Rejects when that fails. */
  close(): Promise<void> {
    this.stop();
    return this.#alone(async () => {
      await this.#catchUp(Number.POSITIVE_INFINITY);
      await this.#sync();
    });
  }

  async #catchUp(durationMs: number): Promise<void> {
    const { clock } = this.#parts;
    const deadlineMs = clock.monotonic() + durationMs;
    while ((await this.#step()) && clock.monotonic() < deadlineMs);
    await this.#write();
  }

  /** Takes over a little more; false when there is nothing left. */
  async #step(): Promise<boolean> {
    await this.#prepare();
    if (this.#keys.count >= KEYS_DUE) await this.#write();
    return this.#follower.step(this.#parts.readableOffset(), this.#keys);
  }

  async #write(): Promise<void> {
    await this.#prepare();
    const { files, clock } = this.#parts;
    while (this.#keys.count > 0) {
      let file = files.newest;
      if (this.#linked === undefined) {
        if (file !== undefined && file.roomEntries <= 0) {
          // What a checkpoint vouches for and has to be made anew: it must never be behind another file and not on the disk.
          if (file.header.endTimestamp <= this.#trustedUntil) await this.#sync();
          if (files.newest !== file) continue;
        }
        if (file === undefined || file.roomEntries <= 0) file = files.add(clock.now());
        this.#linked = await file.link(this.#keys);
      }
      await files.use(file!);
      await file!.write(this.#linked);
      this.#keys.removeFirst(this.#linked.count);
      this.#linked = undefined;
    }
  }

  async #sync(): Promise<void> {
    const { files } = this.#parts;
    const before = files.newest;
    await files.sync();
    if (files.newest === before) return;
    // What could not be put on the disk was thrown away.
    await this.#goBack();
  }

  /** Before anything else is done with the files: what an unclean end left of them is brought in order. */
  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { files, log, mayBeTorn, trustedUntil } = this.#parts;
    const end = this.#parts.readableOffset();
    if (mayBeTorn || (files.newestWithEntries?.header.endOffset ?? -1) >= end)
      await files.restore(trustedUntil, { log, end });
    await this.#goBack();
    this.#isPrepared = true;
  }

  /** Goes on behind what the files hold. */
  async #goBack(): Promise<void> {
    this.#keys.clear();
    this.#linked = undefined;
    const { newestWithEntries: newest } = this.#parts.files;
    if (newest === undefined) {
      this.#follower.goTo(0, 0);
      return;
    }
    const { endOffset } = newest.header;
    // The keys of one message may lie in two files.
    let keysThere = 0;
    for (const file of this.#parts.files.all.toReversed()) {
      keysThere += await file.countLastOf(endOffset);
      if (file.header.count > 1 && file.header.beginOffset !== endOffset) break;
    }
    this.#follower.goTo(endOffset, keysThere);
  }

  /** Undefined when it failed: it is tried again the next time, and said once. */
  async #logged<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.#hasFailed = false;
      return result;
    } catch (error) {
      if (!this.#hasFailed)
        this.#parts.logger.warn('the index is behind: messages may not be found by their keys', { error });
      this.#hasFailed = true;
      return undefined;
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (durationMs <= 0) {
        setImmediate(resolve);
        return;
      }
      const end = (): void => {
        this.#rest = undefined;
        resolve();
      };
      this.#rest = { timer: this.#parts.clock.setTimer(durationMs, end), end };
    });
  }
}
