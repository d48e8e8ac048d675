/** A binary heap of numbers, the smallest first. */
export class MinHeap {
  readonly #values: number[] = [];

  get first(): number | undefined {
    return this.#values[0];
  }

  add(value: number): void {
    const values = this.#values;
    let index = values.length;
    values.push(value);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = values[parentIndex]!;
      if (parent <= value) break;
      values[index] = parent;
      index = parentIndex;
    }
    values[index] = value;
  }

  removeFirst(): void {
    const values = this.#values;
    const last = values.pop();
    if (last === undefined || values.length === 0) return;
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      if (childIndex >= values.length) break;
      if (childIndex + 1 < values.length && values[childIndex + 1]! < values[childIndex]!) childIndex++;
      if (values[childIndex]! >= last) break;
      values[index] = values[childIndex]!;
      index = childIndex;
    }
    values[index] = last;
  }
}
