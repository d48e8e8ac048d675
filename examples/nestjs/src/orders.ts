import { json, topic } from 'multistage';

export interface Order {
  readonly id: string;
  readonly cents: number;
}

export const orders = topic('orders', json<Order>());
