import { afterAll, beforeAll, describe, inject } from 'vitest';
import { ourBatchesContract } from './contract/our-batches.js';
import { startOurServer } from './kit/our-server.js';

describe("on Apache's broker 4.9.7:", () => ourBatchesContract(() => inject('apache')));

describe('on our broker:', () => {
  let ours: Awaited<ReturnType<typeof startOurServer>>;

  beforeAll(async () => {
    ours = await startOurServer();
  });

  afterAll(() => ours.close());

  ourBatchesContract(() => ours);
});
