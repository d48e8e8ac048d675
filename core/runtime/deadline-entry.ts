/** Something that must end by a moment. The object itself is the heap's entry, so that waiting allocates nothing. */
export interface DeadlineEntry {
  /** On the clock's monotonic scale. Must not change while the entry is in a heap. Infinity is allowed. */
  readonly deadlineMs: number;
  /** Where the heap keeps the entry; -1 outside. Only the heap writes it. */
  heapIndex: number;
  /** Called once, when the deadline has passed and the entry has left the heap. */
  onDeadline(): void;
}
