import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type TestKit, testKit } from 'multistage/testing';

/** Applications and servers of one test; both go when it ends. */
const apps: TestingModule[] = [];
const kits: TestKit[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  for (const kit of kits.splice(0)) await kit.close();
});

/** A server with a topic `orders`. */
export async function server(): Promise<TestKit> {
  const kit = await testKit();
  kits.push(kit);
  await kit.createTopic('orders');
  return kit;
}

/** An application that is put together and not started. */
export function compiled(metadata: ModuleMetadata): Promise<TestingModule> {
  return Test.createTestingModule(metadata).compile();
}

/** An application that runs. */
export async function started(metadata: ModuleMetadata): Promise<TestingModule> {
  const app = await compiled(metadata);
  await app.init();
  apps.push(app);
  return app;
}
