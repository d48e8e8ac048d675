import { Inject } from '@nestjs/common';
import type { ConsumedMessage } from 'multistage';
import { RocketMQConsumer, Subscribe } from 'multistage/nestjs';
import { Ledger } from './ledger.js';
import { type Order, orders } from './orders.js';

@RocketMQConsumer({ group: 'billing', from: 'first' })
export class BillingConsumer {
  constructor(@Inject(Ledger) private readonly ledger: Ledger) {}

  /** Returning acknowledges; throwing has the message come again. What is no order goes to the dead letters at once. */
  @Subscribe(orders, 'created || changed', { undecodable: 'deadLetter' })
  async bill(message: ConsumedMessage<Order>): Promise<void> {
    await this.ledger.bill(message.value);
  }
}
