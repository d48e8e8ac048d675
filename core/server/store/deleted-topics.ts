import type { StoreFiles } from './files/store-files.js';

const POSITION = /^\d{20}$/;

/**
 * The directory `multistage.deleted`: up to where in the commit log the records of a topic are those of one that was
 * deleted. The log keeps them until its files are removed for their age. Whoever reads it again, a start after a kill, must
 * not take them for messages of a topic that was made under the same name since: both begin at offset 0. Apache's brokers
 * leave the directory alone.
 *
 * Each note is a name, `<topic>/<position in 20 digits>`: names can be put on the disk before anything else happens.
 */
export class DeletedTopics {
  readonly #root: string;
  readonly #directory: string;
  readonly #files: StoreFiles;
  readonly #ends = new Map<string, number>();

  /** @param root of the data directory, which holds `directory` */
  constructor(root: string, directory: string, files: StoreFiles) {
    this.#root = root;
    this.#directory = directory;
    this.#files = files;
  }

  /** Reads the notes. What a killed process left unsynced (`mayBeTorn`) counts from now on, so it has to stay. */
  load(mayBeTorn: boolean): void {
    for (const topic of this.#files.list(this.#directory)) {
      const positions = this.#positionsOf(topic);
      if (positions.length === 0) continue;
      this.#ends.set(topic, Math.max(...positions));
      if (mayBeTorn) this.#sync(topic);
    }
  }

  /** Whether the record of the topic that begins there went with a topic that was deleted. */
  has(topic: string, commitLogOffset: number): boolean {
    return this.#ends.size > 0 && commitLogOffset < (this.#ends.get(topic) ?? 0);
  }

  /** Whether one of that name was deleted, as far as the log goes back. */
  knows(topic: string): boolean {
    return this.#ends.has(topic);
  }

  /**
   * Notes that all records of the topic in front of `end` are deleted. That is on the disk when it returns.
   * @throws what the file system says; then nothing is noted
   */
  add(topic: string, end: number): void {
    const directory = this.#directoryOf(topic);
    const path = `${directory}/${nameOf(end)}`;
    this.#files.mkdir(directory);
    try {
      if (!this.#files.exists(path)) this.#files.create(path, 0).close();
      this.#sync(topic);
    } catch (error) {
      this.#files.removeFile(path);
      throw error;
    }
    this.#ends.set(topic, end);
  }

  /**
   * Brings the notes in line with the log that a start found: what it begins behind needs none any more, and where a power
   * failure took its end, other messages will lie there.
   */
  keepWithin(logStart: number, logEnd: number): void {
    for (const [topic, end] of [...this.#ends]) {
      if (end <= logStart) {
        this.#files.removeDirectory(this.#directoryOf(topic));
        this.#ends.delete(topic);
        continue;
      }
      if (end > logEnd) this.add(topic, logEnd);
      this.#removeOthers(topic, Math.min(end, logEnd));
    }
  }

  /** Its note, and the names of the directories that hold it. */
  #sync(topic: string): void {
    for (const path of [this.#directoryOf(topic), this.#directory, this.#root]) this.#files.syncDirectorySync(path);
  }

  #removeOthers(topic: string, end: number): void {
    const others = this.#positionsOf(topic).filter((position) => position !== end);
    if (others.length === 0) return;
    const directory = this.#directoryOf(topic);
    for (const position of others) this.#files.removeFile(`${directory}/${nameOf(position)}`);
    this.#files.syncDirectorySync(directory);
  }

  #positionsOf(topic: string): number[] {
    const names = this.#files.list(this.#directoryOf(topic));
    return names.filter((name) => POSITION.test(name)).map(Number);
  }

  #directoryOf(topic: string): string {
    return `${this.#directory}/${topic}`;
  }
}

function nameOf(position: number): string {
  return String(position).padStart(20, '0');
}
