import { writeInt64 } from '../../../message/int64.js';
import type { StoreFile, StoreFiles } from '../files/store-files.js';
import { writeAll } from '../files/whole-file.js';
import type { WaitingTimer } from '../message-store.js';

const FILE_SIZE_BYTES = 100 * 1024 * 1024;
const UNIT_SIZE_BYTES = 52;
/** What Apache keeps free at the end of a file, for the mark that says so. */
const BLANK_SIZE_BYTES = 16;
const BLANK_MAGIC = (0xbbccddee ^ (1_880_681_586 + 8)) | 0;
const UNITS_GATHERED_MAX = 20_000;

export const TimerMagic = { DEFAULT: 1, ROLL: 2, DELETE: 4 } as const;

export interface TimerUnit {
  readonly timer: WaitingTimer;
  /** Where the unit in front of it in the same second is; -1 without one. */
  readonly previous: number;
  readonly magic: number;
  readonly writeTimeMs: number;
  /** The second it is in. */
  readonly slotMs: number;
}

/**
 * Writes `timerlog/` anew: one unit of 52 bytes for each timer, in files of 100 MiB (Apache's TimerLog).
 *
 *     0      4          12      16          24         28       36     40    44         52
 *     +------+----------+-------+-----------+----------+--------+------+-----+----------+
 *     | size | previous | magic | written   | delay    | commit | size | 0   | reserved |
 *     | i32  | i64      | i32   | at, i64   | ms, i32  | offset | i32  | i32 | i64      |
 *     +------+----------+-------+-----------+----------+--------+------+-----+----------+
 */
export class TimerLogWriter {
  readonly #directory: string;
  readonly #files: StoreFiles;
  readonly #gathered = Buffer.allocUnsafe(UNITS_GATHERED_MAX * UNIT_SIZE_BYTES);
  #gatheredBytes = 0;
  #file: StoreFile | undefined;
  #fileStart = -FILE_SIZE_BYTES;
  #position = FILE_SIZE_BYTES;

  constructor(directory: string, files: StoreFiles) {
    this.#directory = directory;
    this.#files = files;
    files.removeDirectory(directory);
    files.mkdir(directory);
  }

  /** Where the next unit begins. */
  get end(): number {
    return this.#file === undefined ? 0 : this.#fileStart + this.#position + this.#gatheredBytes;
  }

  /** Adds a unit and tells where it begins. */
  async add({ timer, previous, magic, writeTimeMs, slotMs }: TimerUnit): Promise<number> {
    const roomBytes = FILE_SIZE_BYTES - this.#position - this.#gatheredBytes;
    if (UNIT_SIZE_BYTES + BLANK_SIZE_BYTES > roomBytes) await this.#nextFile();
    if (this.#gatheredBytes === this.#gathered.length) this.#write();
    const unit = this.#gathered;
    const at = this.#gatheredBytes;
    unit.writeInt32BE(UNIT_SIZE_BYTES, at);
    writeInt64(unit, at + 4, previous);
    unit.writeInt32BE(magic, at + 12);
    writeInt64(unit, at + 16, writeTimeMs);
    unit.writeInt32BE(slotMs - writeTimeMs, at + 24);
    writeInt64(unit, at + 28, timer.commitLogOffset);
    unit.writeInt32BE(timer.sizeBytes, at + 36);
    unit.fill(0, at + 40, at + UNIT_SIZE_BYTES);
    const position = this.end;
    this.#gatheredBytes += UNIT_SIZE_BYTES;
    return position;
  }

  /** Puts everything on the disk. */
  async close(): Promise<void> {
    await this.#endFile();
    await this.#files.syncDirectory(this.#directory);
  }

  #write(): void {
    if (this.#file !== undefined) writeAll(this.#file, this.#gathered.subarray(0, this.#gatheredBytes), this.#position);
    this.#position += this.#gatheredBytes;
    this.#gatheredBytes = 0;
  }

  async #endFile(): Promise<void> {
    this.#write();
    try {
      await this.#file?.sync();
    } finally {
      this.#file?.close();
      this.#file = undefined;
    }
  }

  async #nextFile(): Promise<void> {
    if (this.#file !== undefined) {
      this.#write();
      const blank = Buffer.alloc(BLANK_SIZE_BYTES);
      blank.writeInt32BE(FILE_SIZE_BYTES - this.#position, 0);
      blank.writeInt32BE(BLANK_MAGIC, 12);
      writeAll(this.#file, blank, this.#position);
      await this.#endFile();
    }
    this.#fileStart += FILE_SIZE_BYTES;
    this.#position = 0;
    const name = String(this.#fileStart).padStart(20, '0');
    this.#file = this.#files.create(`${this.#directory}/${name}`, FILE_SIZE_BYTES);
  }
}
