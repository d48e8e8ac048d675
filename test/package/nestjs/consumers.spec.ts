import 'reflect-metadata';
import { Inject, Injectable, Scope, type Type } from '@nestjs/common';
import { type Client, type ConsumedMessage, type HandlerContext, sql } from 'multistage';
import { RocketMQConsumer, RocketMQModule, rocketMQToken, Subscribe } from 'multistage/nestjs';
import type { TestKit } from 'multistage/testing';
import { compiled, server, started } from './apps.js';

let kit: TestKit;
beforeEach(async () => {
  kit = await server();
});

@RocketMQConsumer({ group: 'billing', from: 'first' })
class Billing {
  readonly got: string[] = [];
  @Subscribe('orders')
  bill({ body }: ConsumedMessage<unknown>): void {
    this.got.push(body.toString());
  }
}

@Injectable({ scope: Scope.REQUEST })
class OfARequest {}

@Injectable({ scope: Scope.REQUEST })
@RocketMQConsumer({ group: 'scoped' })
class ScopedConsumer {
  @Subscribe('orders')
  handle(): void {}
}

@RocketMQConsumer({ group: 'scoped' })
class ConsumerWithScope {
  constructor(@Inject(OfARequest) readonly request: OfARequest) {}
  @Subscribe('orders')
  handle(): void {}
}

@RocketMQConsumer({ group: 'silent' })
class ConsumerWithoutTopic {
  handle(): void {}
}

@RocketMQConsumer({ group: 'refused' })
class ConsumerRefusedByTheBroker {
  @Subscribe('orders', sql('cents >'))
  handle(): void {}
}

@Injectable()
class SubscriberOfNoGroup {
  @Subscribe('orders')
  handle(): void {}
}

@RocketMQConsumer({ group: 'billing', client: 'stagin' })
class ConsumerOfNoClient {
  @Subscribe('orders')
  handle(): void {}
}

const REFUSED: [string, Type<unknown>, string, RegExp][] = [
  ['is request-scoped', ScopedConsumer, 'RMQ_OPTIONS_INVALID', /ScopedConsumer is request-scoped, .* ModuleRef/],
  ['injects what is', ConsumerWithScope, 'RMQ_OPTIONS_INVALID', /ConsumerWithScope is request-scoped, or something/],
  ['has no @Subscribe method', ConsumerWithoutTopic, 'RMQ_OPTIONS_INVALID', /ConsumerWithoutTopic has no @Subscribe/],
  [
    'has no group',
    SubscriberOfNoGroup,
    'RMQ_OPTIONS_INVALID',
    /SubscriberOfNoGroup has @Subscribe .* no @RocketMQConsumer/,
  ],
  ['names no client', ConsumerOfNoClient, 'RMQ_OPTIONS_INVALID', /ConsumerOfNoClient names the client stagin/],
  ['the broker refuses', ConsumerRefusedByTheBroker, 'RMQ_SUBSCRIPTION_INVALID', /cents >/],
];

describe('an application with a consumer class that', () => {
  it.each(REFUSED)('%s does not start, and nothing of it runs on', async (_what, refused, code, words) => {
    const root = RocketMQModule.forRoot({ cluster: kit.cluster });
    const app = await compiled({ imports: [root], providers: [OfARequest, Billing, refused] });
    await expect(app.init()).rejects.toMatchObject({ code, message: expect.stringMatching(words) });
    expect(app.get<Client>(rocketMQToken()).state).toBe('shut down');
    const producer = await (await kit.connect()).producer({ group: 'shop' });
    await producer.send({ topic: 'orders', body: 'order 42' });
    await kit.clock.settle();
    expect(app.get(Billing).got).toEqual([]);
  });
});

describe('an application with forRoot in two places', () => {
  it('does not start where its consumer classes would run twice', async () => {
    const root = () => RocketMQModule.forRoot({ cluster: kit.cluster });
    const app = await compiled({ imports: [root(), root()], providers: [Billing] });
    const message = expect.stringMatching(/Billing would run twice: RocketMQModule\.forRoot .* client default/);
    await expect(app.init()).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', message });
  });
});

describe('@Subscribe', () => {
  it('refuses a topic that another method of the class has', () => {
    const declare = () => {
      class Twice {
        @Subscribe('orders', 'created')
        one(): void {}
        @Subscribe('orders', 'paid')
        other(): void {}
      }
      return Twice;
    };
    expect(declare).toThrow(/Twice\.one has topic orders already/);
  });
});

@RocketMQConsumer({ group: 'stuck', from: 'first' })
class StuckConsumer {
  signal: AbortSignal | undefined;
  @Subscribe('orders')
  handle(_message: ConsumedMessage<unknown>, { signal }: HandlerContext): Promise<never> {
    this.signal = signal;
    return new Promise(() => {});
  }
}

describe('the end of an application', () => {
  it('waits for a handler no longer than closeTimeoutMs, and the message comes again', async () => {
    const root = RocketMQModule.forRoot({ cluster: kit.cluster }, { closeTimeoutMs: 2_000 });
    const app = await started({ imports: [root], providers: [StuckConsumer] });
    const producer = await (await kit.connect()).producer({ group: 'shop' });
    await producer.send({ topic: 'orders', body: 'order 42' });
    await kit.clock.settle();
    const stuck = app.get(StuckConsumer);
    expect(stuck.signal?.aborted).toBe(false);
    let isClosed = false;
    const closing = app.close().then(() => {
      isClosed = true;
    });
    await kit.clock.settle();
    await kit.clock.advance(1_999);
    expect([stuck.signal?.aborted, isClosed]).toEqual([false, false]);
    await kit.clock.advance(1);
    await closing;
    expect(stuck.signal?.aborted).toBe(true);
    expect(kit.offsets('stuck', 'orders').reduce((sum, { offset }) => sum + offset, 0)).toBe(0);
  });
});
