/** Entries in front of the first that counts, before they are cleared away. */
const FORGOTTEN_MAX = 1024;

/** Which half message, and of which transaction. */
export interface HalfPlace {
  readonly offset: number;
  /** Offset of the first of its copies. */
  readonly root: number;
}

/**
 * Which transactions are open. All half messages below `base` are done: ended, discarded, or stored once more further on.
 * From there on it is known which are done too, and of which transactions a check made copies. So its size is that of what
 * lies between the oldest open transaction and the newest, not that of the topic.
 */
export class TransactionWindow {
  #base: number;
  readonly #done = new Set<number>();
  /** Whose end is being stored. */
  readonly #ending = new Set<number>();
  /** Root to the newest copy, while that is open. */
  readonly #copies = new Map<number, number>();
  /** Op records that a restart has to read, oldest first. */
  readonly #ops: { readonly opOffset: number; readonly halfOffset: number }[] = [];
  #firstOp = 0;

  constructor(base: number) {
    this.#base = base;
  }

  get base(): number {
    return this.#base;
  }

  /** Half messages that are known to be done from `base` on, and transactions with copies. */
  get size(): number {
    return this.#done.size + this.#copies.size;
  }

  /** The first op record that names a half message from `base` on; undefined when none does. */
  get firstOp(): number | undefined {
    return this.#ops[this.#firstOp]?.opOffset;
  }

  isDone(offset: number): boolean {
    return offset < this.#base || this.#done.has(offset);
  }

  /** Under which offset a transaction is open now, whichever of its copies is meant; undefined when it is not, or just ending. */
  openOffset({ offset, root }: HalfPlace): number | undefined {
    const current = this.#copies.get(root) ?? (this.isDone(offset) ? undefined : offset);
    return current === undefined || this.#ending.has(current) ? undefined : current;
  }

  /** Its end is about to be stored: {@link ended} or {@link stillOpen} follows. */
  ending(offset: number): void {
    this.#ending.add(offset);
  }

  stillOpen(offset: number): void {
    this.#ending.delete(offset);
  }

  /** Its end is stored, in the op record at `opOffset` or later. */
  ended({ offset, root }: HalfPlace, opOffset: number): void {
    this.#ending.delete(offset);
    if (this.#copies.get(root) === offset) this.#copies.delete(root);
    this.#ops.push({ opOffset, halfOffset: offset });
    this.#markDone(offset);
  }

  /** It is stored once more, at `copy`. */
  copied({ offset, root }: HalfPlace, copy: number): void {
    this.#copies.set(root, copy);
    this.#markDone(offset);
  }

  /** Retention took what lies below. */
  removedBelow(offset: number): void {
    if (offset <= this.#base) return;
    for (const done of this.#done) if (done < offset) this.#done.delete(done);
    for (const [root, copy] of this.#copies) if (copy < offset) this.#copies.delete(root);
    this.#base = offset;
    this.#moveOn();
  }

  #markDone(offset: number): void {
    if (offset >= this.#base) this.#done.add(offset);
    this.#moveOn();
  }

  #moveOn(): void {
    while (this.#done.delete(this.#base)) this.#base++;
    while (this.#firstOp < this.#ops.length && this.#ops[this.#firstOp]!.halfOffset < this.#base) this.#firstOp++;
    if (this.#firstOp < FORGOTTEN_MAX || this.#firstOp * 2 < this.#ops.length) return;
    this.#ops.splice(0, this.#firstOp);
    this.#firstOp = 0;
  }
}
