import { connect } from 'multistage';
import { transaction } from 'multistage/plugins/transaction';
import { embedded } from 'multistage/server';

// The broker asks every second here; Apache's default, and ours, is a minute.
const cluster = embedded({ dir: './multistage-data', transactionCheckInterval: 1_000, transactionTimeOut: 500 });
const transactions = transaction();
const mq = await connect({ cluster, plugins: [transactions] });

/** Stands for a database: which payments went through. */
const payments = new Map();

const producer = await mq.plugin(transactions).producer({
  group: 'checkout',
  // The local branch: runs when the broker has the message, and nobody else can read it yet.
  execute: async ({ transactionId }, { amount }) => {
    if (amount > 1_000) return 'rollback';
    payments.set(transactionId, amount);
    if (amount === 3) throw new Error('the answer of the bank is lost');
    return 'commit';
  },
  // Asked by the broker when it did not hear how a transaction ended, also after a restart of this process.
  check: async ({ transactionId, checkTimes }) => {
    console.log(`check ${checkTimes}: ${payments.has(transactionId) ? 'paid' : 'not known'}`);
    return payments.has(transactionId) ? 'commit' : 'unknown';
  },
});

for (const amount of [20, 5_000, 3]) {
  const { localState } = await producer.send({ topic: 'paid-orders', body: `an order of ${amount}` }, { amount });
  console.log(`${amount}: ${localState}`);
}

const consumer = await mq.consumer({ group: 'shipping', subscribe: { 'paid-orders': '*' }, from: 'first' });
await new Promise((resolve) => {
  let received = 0;
  consumer.run(async (message) => {
    console.log(`shipped: ${message.body}`);
    received += 1;
    if (received === 2) resolve();
  });
});
await mq.close();
