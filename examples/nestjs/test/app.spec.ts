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

  it('bills an order again when that failed', async () => {
    const ledger = app.get(Ledger);
    let calls = 0;
    const bill = ledger.bill.bind(ledger);
    ledger.bill = (order) => {
      calls += 1;
      if (calls === 1) throw new Error('the database is away');
      bill(order);
    };
    await app.get(OrdersService).place({ id: '43', cents: 100 });
    await kit.clock.advance('2m');
    expect(calls).toBe(2);
    expect(ledger.bills.get('43')).toBe(100);
  });

  it('finishes what it has begun when it shuts down', async () => {
    const ledger = app.get(Ledger);
    const begun = new Promise<void>((resolve) => {
      ledger.bill = async () => {
        resolve();
        await new Promise((later) => setTimeout(later, 50));
        await app.get(OrdersService).place({ id: '45', cents: 1 }); // producers are closed last
      };
    });
    await kit.createTopic(orders);
    await kit.clock.advance('30s');
    await app.get(OrdersService).place({ id: '44', cents: 100 });
    await begun;
    await app.close();
    expect((await kit.messages(orders)).map(({ value }) => value.id)).toEqual(['44', '45']);
    expect(kit.offsets('billing', 'orders').reduce((sum, { offset }) => sum + offset, 0)).toBe(1);
  });
});
