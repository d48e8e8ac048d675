import { Ledger } from './ledger.mjs';

/** Airports that the second group subscribes to. */
export const FEW_AIRPORTS = ['ATL', 'ORD', 'SFO', 'HNL'];

/**
 * Two groups read along: `flights-all` takes everything with two members (each a client of its own, as two processes
 * would be), `flights-few` subscribes to a few airports. Each group has one ledger.
 */
export async function startReaders(open, run, onNews) {
  const all = {
    name: 'flights-all',
    reads: 'every flight, two members',
    wants: () => true,
    received: new Ledger(run),
    clients: [],
    delays: new Map(),
  };
  const few = {
    name: 'flights-few',
    reads: `those from ${FEW_AIRPORTS.join(', ')}`,
    wants: (tag) => FEW_AIRPORTS.includes(tag),
    received: new Ledger(run),
    clients: [],
  };
  await Promise.all([
    startMember(open, all, 'flights-all', '*', onNews),
    startMember(open, all, 'flights-all', '*', onNews),
    startMember(open, few, 'flights-few', FEW_AIRPORTS.join(' || '), onNews),
  ]);
  return [all, few];
}

async function startMember(open, reader, group, tags, onNews) {
  const mq = await open();
  reader.clients.push(mq);
  const consumer = await mq.consumer({ group, subscribe: { flights: tags }, from: 'first', concurrency: 64 });
  await consumer.run(async (message) => {
    const isNew = reader.received.add({
      run: message.properties.run,
      key: message.keys[0],
      tag: message.tag,
      body: message.body,
    });
    if (isNew) countDelay(reader.delays, message);
    onNews();
  });
}

function countDelay(delays, message) {
  if (delays === undefined) return;
  const entry = delays.get(message.tag) ?? { minutes: 0, flights: 0 };
  entry.minutes += Number(message.properties.delayMinutes);
  entry.flights += 1;
  delays.set(message.tag, entry);
}
