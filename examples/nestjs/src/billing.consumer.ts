import { Inject } from '@nestjs/common';
import type { ConsumedMessage } from 'multistage';
import { RocketMQConsumer, Subscribe } from 'multistage/nestjs';
import { Ledger } from './ledger.js';
import { type Order, orders } from './orders.js';

@RocketMQConsumer({ group: 'billing', from: 'first' })
export class BillingConsumer {
  constructor(@Inject(Ledger) private readonly ledger: Ledger) {}

  /** Returning acknowledges; throwing has the message come again. */
  @Subscribe(orders, 'created || changed')
  async bill(message: ConsumedMessage<Order>): Promise<void> {
    await this.ledger.bill(message.value);
  }
}
