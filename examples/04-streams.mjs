import { connect } from 'multistage';
import { embedded } from 'multistage/server';
import { from, lastValueFrom, tap } from 'rxjs';

const mq = await connect({ cluster: embedded({ dir: './multistage-data' }) });
const producer = await mq.producer({ group: 'streams' });
const message = (n) => ({ topic: 'stream-orders', body: `order ${n}`, keys: String(n) });

// One engine, four faces. A promise and an Observable of the result:
console.log('send  ', (await producer.send(message(1))).status);
console.log('send$ ', (await lastValueFrom(producer.send$(message(2)))).status);

// The stage events of one send:
await lastValueFrom(
  producer.pipeline.run(message(3)).pipe(tap((event) => console.log('run   ', event.type, event.stage ?? ''))),
);

// An RxJS operator, and an iterable that takes the next message only when a slot is free:
const reports = from([4, 5, 6].map(message)).pipe(producer.pipeline.operator({ concurrency: 2 }));
await lastValueFrom(reports.pipe(tap(({ message, result }) => console.log('stream', message.keys, result.status))));
for await (const { message: sent, result } of producer.sendAll([7, 8].map(message), { concurrency: 2 })) {
  console.log('all   ', sent.keys, result.status);
}
await mq.close();
