import { Module } from '@nestjs/common';
import { RocketMQModule } from 'multistage/nestjs';
import { embedded } from 'multistage/server';
import { BillingConsumer } from './billing.consumer.js';
import { Ledger } from './ledger.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [
    RocketMQModule.forRootAsync({
      // A cluster where there is one; a server in this process otherwise.
      useFactory: () => (process.env.NAMESRV_ADDR ? {} : { cluster: embedded({ dir: './multistage-data' }) }),
    }),
    RocketMQModule.forProducer({ group: 'checkout' }),
  ],
  providers: [OrdersService, BillingConsumer, Ledger],
})
export class AppModule {}
