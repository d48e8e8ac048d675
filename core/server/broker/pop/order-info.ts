import {
  integerMember,
  integerOf,
  listMember,
  objectOf,
  optionalStringMember,
  tableMember,
} from '../../../remoting/protocol/body-fields.js';

/** What a pop in order took of a queue. */
export interface OrderedPop {
  /** Names the pop in receipts; milliseconds since 1970. */
  readonly popTime: number;
  readonly invisibleTime: number;
  /** Queue offsets in order, at least one. */
  readonly offsets: readonly number[];
  /** Of a request that is sent again it is the same. */
  readonly attemptId: string | undefined;
}

/** What came of an acknowledgement in order. */
export type OrderedAck =
  | { readonly kind: 'next'; readonly offset: number }
  /** Of a pop before the last. */
  | { readonly kind: 'stale' }
  /** Of no message that was popped. */
  | { readonly kind: 'illegal' };

/**
 * The messages of a queue that a group was given in order, and what became of each. Until all are acknowledged or come due
 * nobody gets more of the queue. Matches OrderInfo of Apache's ConsumerOrderInfoManager.
 */
export class OrderInfo {
  readonly popTime: number;
  readonly #pop: OrderedPop;
  /** When it was popped last, milliseconds since 1970. */
  readonly lastConsumed: number;
  readonly #acked: Set<number>;
  /** Offset to when it comes due, where that was changed. */
  readonly #visibleAt: Map<number, number>;
  /** Offset to how often it was popped before, where it was. */
  readonly #counts: Map<number, number>;

  /** @param previous what this takes the place of */
  static of(pop: OrderedPop, nowMs: number, previous: OrderInfo | undefined): OrderInfo {
    const counts = previous === undefined ? new Map<number, number>() : previous.#countsFor(pop);
    return new OrderInfo(pop, nowMs, new Set(), new Map(), counts);
  }

  /** @throws RMQ_BODY_INVALID */
  static read(value: unknown, name: string): OrderInfo {
    const object = objectOf(value, name);
    const [first = 0, ...diffs] = listMember(object, 'o', name, integerOf);
    const offsets = [first, ...diffs.map((diff) => first + diff)];
    const bits = BigInt(integerMember(object, 'cm', name));
    const numbers = (member: string): Map<number, number> => {
      const table = tableMember(object, member, name, integerOf);
      return new Map([...table].map(([offset, each]) => [integerOf(Number(offset), name), each]));
    };
    const pop = {
      popTime: integerMember(object, 'popTime', name),
      invisibleTime: integerMember(object, 'i', name),
      offsets,
      attemptId: optionalStringMember(object, 'a', name),
    };
    const acked = new Set(offsets.filter((_, index) => ((bits >> BigInt(index)) & 1n) === 1n));
    return new OrderInfo(pop, integerMember(object, 'l', name), acked, numbers('ot'), numbers('oc'));
  }

  private constructor(
    pop: OrderedPop,
    lastConsumed: number,
    acked: Set<number>,
    visibleAt: Map<number, number>,
    counts: Map<number, number>,
  ) {
    this.#pop = pop;
    this.popTime = pop.popTime;
    this.lastConsumed = lastConsumed;
    this.#acked = acked;
    this.#visibleAt = visibleAt;
    this.#counts = counts;
  }

  /** As Java writes it. */
  get value(): object {
    const { popTime, invisibleTime, offsets, attemptId } = this.#pop;
    const [first = 0, ...rest] = offsets;
    const bits = offsets.reduce(
      (sum, offset, index) => (this.#acked.has(offset) ? sum | (1n << BigInt(index)) : sum),
      0n,
    );
    return {
      a: attemptId,
      cm: bits,
      i: invisibleTime,
      l: this.lastConsumed,
      o: [first, ...rest.map((offset) => offset - first)],
      oc: this.#counts,
      ot: this.#visibleAt,
      popTime,
    };
  }

  /** How often each message was popped before; only what was. */
  get counts(): ReadonlyMap<number, number> {
    return this.#counts;
  }

  /** How often all of them were popped before. */
  get countMin(): number {
    const { offsets } = this.#pop;
    return Math.min(...offsets.map((offset) => this.#counts.get(offset) ?? 0));
  }

  /** Until when nobody gets more, milliseconds since 1970; undefined when that is over, or the same request asks again. */
  blockedUntil(nowMs: number, attemptId?: string): number | undefined {
    if (attemptId !== undefined && attemptId === this.#pop.attemptId) return undefined;
    const { popTime, invisibleTime, offsets } = this.#pop;
    for (const offset of offsets) {
      if (this.#acked.has(offset)) continue;
      const visibleAt = this.#visibleAt.get(offset) ?? popTime + invisibleTime;
      if (nowMs < visibleAt) return visibleAt;
    }
    return undefined;
  }

  /** The group goes on at the first message that is not acknowledged. */
  ack(offset: number, popTime: number): OrderedAck {
    if (popTime !== this.popTime) return { kind: 'stale' };
    const { offsets } = this.#pop;
    if (!offsets.includes(offset)) return { kind: 'illegal' };
    this.#acked.add(offset);
    return { kind: 'next', offset: offsets.find((each) => !this.#acked.has(each)) ?? offsets.at(-1)! + 1 };
  }

  /** Nothing happens to one of a pop before. */
  changeVisible(offset: number, popTime: number, visibleAt: number): void {
    if (popTime === this.popTime) this.#visibleAt.set(offset, visibleAt);
  }

  #countsFor({ offsets, attemptId }: OrderedPop): Map<number, number> {
    if (attemptId !== undefined && attemptId === this.#pop.attemptId) return this.#counts;
    const popped = new Set(this.#pop.offsets);
    return new Map(
      offsets.filter((offset) => popped.has(offset)).map((offset) => [offset, (this.#counts.get(offset) ?? 0) + 1]),
    );
  }
}
