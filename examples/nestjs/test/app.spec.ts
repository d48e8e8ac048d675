import 'reflect-metadata';
import { Test, type TestingModule } from '@nestjs/testing';
import { rocketMQOptionsToken } from 'multistage/nestjs';
import { type TestKit, testKit } from 'multistage/testing';
import { AppModule } from '../src/app.module.js';
import { Ledger } from '../src/ledger.js';
import { orders } from '../src/orders.js';
import { OrdersService } from '../src/orders.service.js';

describe('the shop', () => {
  let kit: TestKit;
  let app: TestingModule;

  beforeEach(async () => {
    kit = await testKit();
    app = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(rocketMQOptionsToken())
      .useValue({ cluster: kit.cluster })
      .compile();
    await app.init();
  });

  afterEach(async () => {
    await app.close();
    await kit.close();
  });

  it('bills what is ordered', async () => {
    await app.get(OrdersService).place({ id: '42', cents: 1999 });
    // The consumer had started before there was the topic: it looks again from time to time.
    await kit.clock.advance('1m');
    expect(app.get(Ledger).bills.get('42')).toBe(1999);
    expect(kit.offsets('billing', 'orders').every(({ lag }) => lag === 0)).toBe(true);
  });

  it('gives up on an order that cannot be billed, and keeps it', async () => {
    await app.get(OrdersService).place({ id: '43', cents: -1 });
    await kit.clock.advance('1h');
    expect((await kit.deadLetters('billing')).map(({ keys }) => keys)).toEqual([['43']]);
    expect((await kit.messages(orders)).length).toBe(1);
  });
});
