import { Injectable } from '@nestjs/common';
import type { Order } from './orders.js';

/** Stands for a database: a message may come twice, so a bill goes by its order's id. */
@Injectable()
export class Ledger {
  readonly #bills = new Map<string, number>();

  bill({ id, cents }: Order): void | Promise<void> {
    this.#bills.set(id, cents);
  }

  get bills(): ReadonlyMap<string, number> {
    return this.#bills;
  }
}
