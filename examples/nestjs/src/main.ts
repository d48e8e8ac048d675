import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Ledger } from './ledger.js';
import { OrdersService } from './orders.service.js';

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks(); // SIGTERM: handlers end, offsets are stored, then the process
  const { msgId } = await app.get(OrdersService).place({ id: '42', cents: 1999 });
  console.log(`placed order 42 as ${msgId}`);
  const ledger = app.get(Ledger);
  while (!ledger.bills.has('42')) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log(`billed order 42: ${ledger.bills.get('42')} cents`);
  if (process.argv.includes('--once')) await app.close();
}

void main();
