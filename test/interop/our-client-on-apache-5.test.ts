import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, inject } from 'vitest';
import { SQL_CASES, SQL_CASES_OF_5 } from '../server/filter/sql-cases.js';
import { apache5Differences } from './contract/apache-5-differences.js';
import { mainJobContract } from './contract/main-job.js';
import { mixedOrderContract } from './contract/mixed-order.js';
import { ourAdminContract } from './contract/our-admin.js';
import { ourBatchesContract } from './contract/our-batches.js';
import { ourClientContract } from './contract/our-client.js';
import { ourConsumerGroupsContract } from './contract/our-consumer-groups.js';
import { ourConsumerRetriesContract } from './contract/our-consumer-retries.js';
import { ourErrorsContract } from './contract/our-errors.js';
import { ourOtherModesContract } from './contract/our-other-modes.js';
import { ourPopContract } from './contract/our-pop.js';
import { ourPullConsumersContract } from './contract/our-pull-consumers.js';
import { ourRequestsContract } from './contract/our-requests.js';
import { ourTimersContract } from './contract/our-timers.js';
import { ourTracesContract } from './contract/our-traces.js';
import { ourTransactionsContract } from './contract/our-transactions.js';
import { sqlFilterContract } from './contract/sql-filter.js';
import { stormsContract } from './contract/storms.js';
import { type ApacheCluster, startApache } from './kit/apache.js';

/** Our client on Apache's name server and broker 5.5.0, which run for this file only. */
let home: string;
let apache: ApacheCluster;
const target = () => apache;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'multistage-apache-5-'));
  apache = await startApache(inject('java'), home, {
    version: '5.5.0',
    brokerConfig: { recallMessageEnable: true, flushConsumerOffsetInterval: 500 },
  });
});

afterAll(async () => {
  await apache?.kill();
  await rm(home, { recursive: true, force: true });
});

ourClientContract(target);
ourBatchesContract(target);
ourConsumerGroupsContract(target);
ourConsumerRetriesContract(target, { withJava: false });
ourErrorsContract(target, { illegalQueueCode: 29 });
ourTracesContract(target);
mainJobContract(target);
ourAdminContract(target, { search: 'lower' });
ourOtherModesContract(target, { withJava: false });
ourPullConsumersContract(target);
ourPopContract(target);
ourRequestsContract(target, 'ROCKETMQ');
ourTransactionsContract(target, 'ROCKETMQ');
ourTimersContract(target);
apache5Differences(target);
sqlFilterContract(target, [
  ...SQL_CASES.filter(({ expression }) => !/^(contains|startswith) /.test(expression)),
  ...SQL_CASES_OF_5,
]);
mixedOrderContract(target);
// The last: it kills the broker. A young one stores no offsets for 10 seconds.
stormsContract(target, 11_500);
