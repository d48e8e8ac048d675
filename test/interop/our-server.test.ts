import { afterAll, beforeAll } from 'vitest';
import { SQL_CASES, SQL_CASES_OF_5 } from '../server/filter/sql-cases.js';
import { javaClientContract } from './contract/java-client.js';
import { mixedOrderContract } from './contract/mixed-order.js';
import { mqadminContract } from './contract/mqadmin.js';
import { operatorsContract } from './contract/operators.js';
import { ourConsumerGroupsContract } from './contract/our-consumer-groups.js';
import { ourRequestsContract } from './contract/our-requests.js';
import { ourTransactionsContract } from './contract/our-transactions.js';
import { sqlFilterContract } from './contract/sql-filter.js';
import { startOurServer } from './kit/our-server.js';

/** Apache's own client and tools on our name server and broker. */
let ours: Awaited<ReturnType<typeof startOurServer>>;

beforeAll(async () => {
  ours = await startOurServer();
});

afterAll(() => ours.close());

javaClientContract(() => ours);
mqadminContract(() => ours);
operatorsContract(() => ours, '4.9.7');
operatorsContract(() => ours, '5.5.0');
ourRequestsContract(() => ours, 'JSON');
ourRequestsContract(() => ours, 'ROCKETMQ');
ourTransactionsContract(() => ours, 'JSON', { deliversOnce: true });
ourTransactionsContract(() => ours, 'ROCKETMQ', { deliversOnce: true });
mixedOrderContract(() => ours);
ourConsumerGroupsContract(() => ours);
sqlFilterContract(() => ours, [...SQL_CASES, ...SQL_CASES_OF_5]);
