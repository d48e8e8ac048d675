import { inject } from 'vitest';
import { mainJobContract } from './contract/main-job.js';
import { ourAdminContract } from './contract/our-admin.js';
import { ourClientContract } from './contract/our-client.js';
import { ourConsumerGroupsContract } from './contract/our-consumer-groups.js';
import { ourConsumerRetriesContract } from './contract/our-consumer-retries.js';
import { ourErrorsContract } from './contract/our-errors.js';
import { ourPullConsumersContract } from './contract/our-pull-consumers.js';
import { ourRequestsContract } from './contract/our-requests.js';
import { ourTracesContract } from './contract/our-traces.js';
import { ourTransactionsContract } from './contract/our-transactions.js';

/** Our client on Apache's name server and broker 4.9.7. */
const target = () => inject('apache');

ourClientContract(target);
ourConsumerGroupsContract(target);
ourConsumerRetriesContract(target, { withJava: true });
ourErrorsContract(target, { illegalQueueCode: 1 });
ourTracesContract(target);
mainJobContract(target);
ourAdminContract(target, { search: 'nearest' });
ourPullConsumersContract(target);
ourRequestsContract(target, 'JSON');
ourTransactionsContract(target, 'JSON');
