import { Injectable } from '@nestjs/common';
import type { Producer, SendResult } from 'multistage';
import { InjectProducer } from 'multistage/nestjs';
import { type Order, orders } from './orders.js';

@Injectable()
export class OrdersService {
  constructor(@InjectProducer('checkout') private readonly producer: Producer) {}

  place(order: Order): Promise<SendResult> {
    return this.producer.send({ topic: orders, value: order, tag: 'created', keys: [order.id] });
  }
}
