import { Inject } from '@nestjs/common';
import type { ConsumedMessage } from 'multistage';
import { RocketMQConsumer, Subscribe } from 'multistage/nestjs';
import { Ledger } from './ledger.js';
import { type Order, orders } from './orders.js';

@RocketMQConsumer({ group: 'billing', from: 'first', maxReconsumeTimes: 2 })
export class BillingConsumer {
  constructor(@Inject(Ledger) private readonly ledger: Ledger) {}

  /** Returning acknowledges; throwing has the message come again, and after two more tries it is a dead letter. */
  @Subscribe(orders, 'created || changed')
  async bill(message: ConsumedMessage<Order>): Promise<void> {
    this.ledger.bill(message.value);
  }
}
