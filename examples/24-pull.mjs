import { connect } from 'multistage';
import { embedded } from 'multistage/server';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'till' });
for (let cents = 1; cents <= 12; cents++) await producer.send({ topic: 'receipts', body: String(cents) });

// Poll: the consumer pulls ahead; what a poll gave is done when the next one begins.
const books = await mq.litePullConsumer({ group: 'books', subscribe: { receipts: '*' }, from: 'first' });
let total = 0;
for (let polled = 0; polled < 12; ) {
  const messages = await books.poll({ timeoutMs: 2_000 });
  for (const message of messages) total += Number(message.body);
  polled += messages.length;
}
await books.commit(); // the last poll's messages are handled too
console.log(`total ${total}`);
await books.close();

// Assign: queues of one's own choice, from wherever one likes.
const audit = await mq.litePullConsumer({ group: 'audit', autoCommit: false });
const [queue] = await audit.fetchMessageQueues('receipts');
await audit.assign([queue]);
await audit.seek(queue, 'first');
const [oldest] = await audit.poll();
console.log(`the oldest lies at ${oldest.queueOffset}`);

// Plain pulls: one request, one answer, offsets of one's own.
const archive = await mq.pullConsumer({ group: 'archive' });
let offset = (await archive.fetchConsumeOffset(queue)) ?? 0;
for (;;) {
  const { status, messages, nextBeginOffset } = await archive.pull(queue, '*', offset);
  console.log(`${status}: ${messages.length} from ${offset}`);
  offset = nextBeginOffset;
  archive.updateConsumeOffset(queue, offset); // stored every 5 seconds and on close
  if (status !== 'FOUND') break;
}
await mq.close();
