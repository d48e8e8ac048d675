/**
 * What the remoting layer costs: requests a second through client and server in one process, 1 KiB bodies, 256 in
 * flight, beside the raw corked echo of the same run. Both sides in turn, several times; ratio of medians and spread.
 *
 *   npm run build && node bench/remoting-echo.mjs [durationMs] [rounds]
 */
import { createRemotingClient } from '../dist/esm/core/remoting/client.js';
import { createMemoryTransport } from '../dist/esm/core/remoting/memory-transport.js';
import { createRemotingServer } from '../dist/esm/core/remoting/server.js';
import { tcpTransport } from '../dist/esm/core/remoting/tcp-transport.js';
import { rawCorkedEcho, summarise } from './kit/raw-echo.mjs';

const load = { depth: 256, bodyBytes: 1024, durationMs: Number(process.argv[2] ?? 1_000) };
const rounds = Number(process.argv[3] ?? 5);

/** The twelve fields of a SEND_MESSAGE_V2 request. */
const SEND_FIELDS = {
  a: 'bench-producer',
  b: 'bench-topic',
  c: 'TBW102',
  d: 4,
  e: 1,
  f: 0,
  g: 1_760_000_000_000,
  h: 0,
  i: 'UNIQ_KEY\u00017F0000010001677A2CC5A6E1D3B80000\u0002WAIT\u0001true\u0002TAGS\u0001bench',
  j: 0,
  k: false,
  m: false,
};
const ACK_FIELDS = {
  msgId: '7F00000100002A9F0000000000000000',
  queueId: 1,
  queueOffset: 42,
  transactionId: '7F0000010001677A2CC5A6E1D3B80000',
  MSG_REGION: 'DefaultRegion',
  TRACE_ON: true,
};

async function remotingEcho(transport, headerEncoding, echoBody) {
  const server = createRemotingServer(transport, { host: '127.0.0.1', port: 0 });
  server.process(310, (request) =>
    echoBody ? { code: 0, ext: {}, body: request.body } : { code: 0, ext: ACK_FIELDS },
  );
  await server.listen();
  const client = createRemotingClient({ transport, headerEncoding });
  const address = `127.0.0.1:${server.address.port}`;
  const body = Buffer.alloc(load.bodyBytes, 'x');
  const latenciesMs = [];
  const beginMs = performance.now();
  const endMs = beginMs + load.durationMs;
  const worker = async () => {
    for (let nowMs = performance.now(); nowMs < endMs; ) {
      const startedMs = nowMs;
      await client.invoke(address, { code: 310, ext: SEND_FIELDS, body }, { timeoutMs: 3_000 });
      nowMs = performance.now();
      latenciesMs.push(nowMs - startedMs);
    }
  };
  await Promise.all(Array.from({ length: load.depth }, worker));
  const result = summarise(latenciesMs, performance.now() - beginMs);
  await client.close();
  await server.close();
  return result;
}

const sides = {
  'raw corked echo': () => rawCorkedEcho(load),
  'tcp, rocketmq, acknowledged': () => remotingEcho(tcpTransport, 'rocketmq', false),
  'tcp, rocketmq, echoed': () => remotingEcho(tcpTransport, 'rocketmq', true),
  'tcp, json, acknowledged': () => remotingEcho(tcpTransport, 'json', false),
  'memory, rocketmq, acknowledged': () => remotingEcho(createMemoryTransport(), 'rocketmq', false),
};

async function main() {
  const rates = new Map(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, run] of Object.entries(sides)) {
      const { requestsPerSecond } = await run();
      if (round > 0) rates.get(name).push(requestsPerSecond); // the first round warms up
    }
  }
  const medianOf = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
  const raw = medianOf(rates.get('raw corked echo'));
  console.log(`1 KiB, ${load.depth} in flight, one connection, one process; median of ${rounds} (min–max)`);
  for (const [name, values] of rates) {
    const median = medianOf(values);
    const spread = `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`;
    console.log(
      `${name.padEnd(32)} ${String(Math.round(median)).padStart(8)} req/s  ${(median / raw).toFixed(2)} of raw  (${spread})`,
    );
  }
}

await main();
