import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import type { Client, ConnectOptions, ConsumedMessage, Producer } from 'multistage';
import {
  InjectProducer,
  InjectRocketMQ,
  RocketMQConsumer,
  RocketMQModule,
  type RocketMQModuleAsyncOptions,
  type RocketMQOptionsFactory,
  rocketMQToken,
  Subscribe,
} from 'multistage/nestjs';
import type { TestKit } from 'multistage/testing';
import { compiled, server, started } from './apps.js';

let kit: TestKit;
beforeEach(async () => {
  kit = await server();
});

@Injectable()
class Sender {
  constructor(@InjectProducer('shop') readonly producer: Producer) {}
}

/** Of a module of its own, which imports nothing. */
@Injectable()
class Reader {
  constructor(@InjectRocketMQ() readonly mq: Client) {}
}
@Module({ providers: [Reader] })
class ReaderModule {}

describe('RocketMQModule.forRoot', () => {
  it('gives every module the client', async () => {
    const app = await started({ imports: [ReaderModule, RocketMQModule.forRoot({ cluster: kit.cluster })] });
    const { mq } = app.get(Reader);
    expect(mq).toBe(app.get(rocketMQToken()));
    expect(mq.state).toBe('running');
    await app.close();
    expect(mq.state).toBe('shut down');
  });

  it('keeps the client to those that import it where isGlobal is false', async () => {
    const own = RocketMQModule.forRoot({ cluster: kit.cluster }, { isGlobal: false });
    const app = await started({ imports: [own], providers: [Reader] });
    expect(app.get(Reader).mq.state).toBe('running');
    await expect(compiled({ imports: [own, ReaderModule] })).rejects.toThrow(
      /can't resolve dependencies of the Reader/,
    );
    const producer = RocketMQModule.forProducer({ group: 'shop' });
    await expect(compiled({ imports: [own, producer] })).rejects.toThrow(
      /dependencies of the multistage producer shop/,
    );
  });
});

@Injectable()
class Settings implements RocketMQOptionsFactory {
  asked = 0;
  async createRocketMQOptions(): Promise<ConnectOptions> {
    this.asked += 1;
    return { cluster: kit.cluster };
  }
}
@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

const FORMS: [string, RocketMQModuleAsyncOptions][] = [
  ['useClass', { useClass: Settings }],
  ['useExisting', { imports: [SettingsModule], useExisting: Settings }],
  [
    'useFactory and inject',
    {
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => settings.createRocketMQOptions(),
    },
  ],
];

describe('RocketMQModule.forRootAsync', () => {
  it.each(FORMS)('takes the options from %s', async (_form, options) => {
    const producer = RocketMQModule.forProducer({ group: 'shop' });
    const app = await started({ imports: [RocketMQModule.forRootAsync(options), producer], providers: [Sender] });
    await app.get(Sender).producer.send({ topic: 'orders', body: 'order 42' });
    expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['order 42']);
    expect(app.get(Settings).asked).toBe(1);
  });

  it('refuses options that come from nowhere', () => {
    expect(() => RocketMQModule.forRootAsync({ name: 'audit' })).toThrow(/takes useFactory, useClass or useExisting/);
  });
});

@RocketMQConsumer({ group: 'billing', from: 'first' })
class Billing {
  readonly got: string[] = [];
  @Subscribe('orders')
  bill({ body }: ConsumedMessage<unknown>): void {
    this.got.push(body.toString());
  }
}

@RocketMQConsumer({ client: 'audit', group: 'billing', from: 'first' })
class AuditBilling extends Billing {}

@Injectable()
class Both {
  constructor(
    @InjectProducer('shop') readonly shop: Producer,
    @InjectProducer('shop', 'audit') readonly audit: Producer,
    @InjectRocketMQ() readonly mq: Client,
    @InjectRocketMQ('audit') readonly auditMq: Client,
    @Inject(Billing) readonly billing: Billing,
    @Inject(AuditBilling) readonly auditBilling: AuditBilling,
  ) {}
}

describe('two clients of one application', () => {
  it('have servers, producers and consumers of their own under the same groups', async () => {
    const audit = await server();
    const app = await started({
      imports: [
        RocketMQModule.forRoot({ cluster: kit.cluster }),
        RocketMQModule.forRoot({ cluster: audit.cluster }, { name: 'audit' }),
        RocketMQModule.forProducer({ group: 'shop' }),
        RocketMQModule.forProducer({ group: 'shop', client: 'audit' }),
      ],
      providers: [Both, Billing, AuditBilling],
    });
    const both = app.get(Both);
    expect(both.mq.clientId).not.toBe(both.auditMq.clientId);
    await both.shop.send({ topic: 'orders', body: 'of the shop' });
    await both.audit.send({ topic: 'orders', body: 'of the audit' });
    expect((await kit.messages('orders')).map(({ value }) => value)).toEqual(['of the shop']);
    expect((await audit.messages('orders')).map(({ value }) => value)).toEqual(['of the audit']);
    await kit.clock.settle();
    await audit.clock.settle();
    expect(both.billing.got).toEqual(['of the shop']);
    expect(both.auditBilling.got).toEqual(['of the audit']);
    await app.close();
    expect([both.mq.state, both.auditMq.state]).toEqual(['shut down', 'shut down']);
  });
});
