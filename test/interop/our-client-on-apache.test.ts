import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { mainJobContract } from './contract/main-job.js';
import { mixedOrderContract } from './contract/mixed-order.js';
import { ourAdminContract } from './contract/our-admin.js';
import { ourClientContract } from './contract/our-client.js';
import { ourConsumerGroupsContract } from './contract/our-consumer-groups.js';
import { ourConsumerRetriesContract } from './contract/our-consumer-retries.js';
import { ourErrorsContract } from './contract/our-errors.js';
import { ourOtherModesContract } from './contract/our-other-modes.js';
import { ourPullConsumersContract } from './contract/our-pull-consumers.js';
import { ourRequestsContract } from './contract/our-requests.js';
import { ourTracesContract } from './contract/our-traces.js';
import { ourTransactionsContract } from './contract/our-transactions.js';
import { ANSWERED, PATIENT } from './kit/patience.js';

/** Our client on Apache's name server and broker 4.9.7. */
const target = () => inject('apache');

test.each(['pop', 'assigned'] as const)(
  'a consumer that is to be %s says at once that brokers of 4.9 cannot do that',
  async (mode) => {
    const mq = await connect({ ...PATIENT, nameServers: target().nameServer });
    onTestFinished(() => mq.close());
    const topic = 'ours_not_popped';
    await mq.admin.createTopic(topic, { queueNum: 1, ...ANSWERED });
    const consumer = await mq.consumer({ group: `${topic}_${mode}`, subscribe: [topic], messageRequestMode: mode });
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_BROKER_ERROR',
      responseCode: 3,
      hint: expect.stringContaining("messageRequestMode: 'pull'"),
    });
  },
);

ourClientContract(target);
ourConsumerGroupsContract(target);
ourConsumerRetriesContract(target, { withJava: true });
ourErrorsContract(target, { illegalQueueCode: 1 });
ourTracesContract(target);
mainJobContract(target);
ourAdminContract(target, { search: 'nearest' });
ourOtherModesContract(target, { withJava: true });
ourPullConsumersContract(target);
ourRequestsContract(target, 'JSON');
ourTransactionsContract(target, 'JSON');
mixedOrderContract(target);
