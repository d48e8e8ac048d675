import { afterAll, beforeAll } from 'vitest';
import { javaClientContract } from './contract/java-client.js';
import { mixedOrderContract } from './contract/mixed-order.js';
import { mqadminContract } from './contract/mqadmin.js';
import { ourRequestsContract } from './contract/our-requests.js';
import { ourTransactionsContract } from './contract/our-transactions.js';
import { startOurServer } from './kit/our-server.js';

/** Apache's own client and tools on our name server and broker. */
let ours: Awaited<ReturnType<typeof startOurServer>>;

beforeAll(async () => {
  ours = await startOurServer();
});

afterAll(() => ours.close());

javaClientContract(() => ours);
mqadminContract(() => ours);
ourRequestsContract(() => ours, 'JSON');
ourRequestsContract(() => ours, 'ROCKETMQ');
ourTransactionsContract(() => ours, 'JSON', { deliversOnce: true });
ourTransactionsContract(() => ours, 'ROCKETMQ', { deliversOnce: true });
mixedOrderContract(() => ours);
