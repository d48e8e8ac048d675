/** `multistage server --dir … --flush …` whose broker asks about open transactions twice a second. */
import { parseArgs } from 'node:util';
import { startServer } from 'multistage/server';

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    flush: { type: 'string' },
    'name-server-port': { type: 'string' },
    'broker-port': { type: 'string' },
  },
  allowPositionals: true,
});
const server = await startServer({
  dir: values.dir,
  nameServerPort: Number(values['name-server-port']),
  brokerPort: Number(values['broker-port']),
  store: { flushDiskType: values.flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' },
  transactionCheckInterval: 500,
  transactionTimeOut: 500,
  transactionCheckMax: 1_000,
});
process.once('SIGTERM', () => server.close());
console.log(`ready name-server=${server.nameServers} broker=${server.brokerAddress} dir=${server.dir}`);
