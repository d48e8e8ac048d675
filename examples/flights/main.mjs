/**
 * The main job: 20,000 real flight records through the send pipeline into a store on disk and back out through two
 * consumer groups, then everything that was sent is held against everything that was received.
 *
 *   npm start                                on the embedded server, which keeps its data under ./multistage-data
 *   NAMESRV_ADDR=host:port npm start         the very same job on that cluster
 *
 * Exit code 1 when anything is missing. A second run goes on with the same data directory.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect, isRocketMQError } from 'multistage';
import { embedded } from 'multistage/server';
import { Arrivals } from './arrivals.mjs';
import { compare, SentLedger } from './ledger.mjs';
import { drawDelays, drawReaders, drawStages, drawThroughput } from './picture.mjs';
import { startProgress } from './progress.mjs';
import { startReaders } from './readers.mjs';
import { loadFlights, toMessage } from './records.mjs';
import { StageTimes } from './stage-times.mjs';

const IN_FLIGHT = 256;
/** The job gives up when no reader has seen anything new for so long. */
const QUIET_MS_MAX = 60_000;
/** What could not be sent is sent again for so long after the last success: a server may be starting anew. */
const RESEND_MS_MAX = 30_000;
const RESEND_PAUSE_MS = 200;

const { open, where } = chooseServers();
console.log(where);
const run = `run-${Date.now().toString(36)}-${randomBytes(3).toString('hex')}`;
process.exitCode = (await main(run).catch(explained)) ? 0 : 1;

/** Every `open()` is a client of its own; they share the embedded server, which stops with the last of them. */
function chooseServers() {
  const nameServers = process.env.NAMESRV_ADDR;
  if (nameServers) return { open: () => connect({ nameServers }), where: `on the cluster of ${nameServers}` };
  const dir = join(process.cwd(), 'multistage-data');
  const cluster = embedded({ dir });
  return { open: () => connect({ cluster }), where: `starting the embedded server, data in ${dir}` };
}

/** What ends the job in one line, such as another one that has the data directory; a bug keeps its stack. */
function explained(error) {
  if (!isRocketMQError(error)) throw error;
  console.error(`${error.code}: ${error.message}. ${error.hint}`);
  return false;
}

async function main(run) {
  const flights = loadFlights();
  const mq = await open();
  let readers = [];
  try {
    const producer = await mq.producer({ group: 'flights-producer' });
    const stages = new StageTimes();
    const watching = producer.pipeline.events$.subscribe((event) => stages.observe(event));
    const sent = new SentLedger(run);
    const progress = startProgress(flights.length);
    const arrivals = new Arrivals();

    const startedMs = performance.now();
    // The first flight alone: it creates the topic where it does not exist, so that the readers find its route.
    const failures = await sendAll(producer, flights, run, sent, progress, 0, 1);
    readers = await startReaders(open, run, () => {
      progress.received(readers[0]?.received.size ?? 0);
      arrivals.note();
    });
    failures.push(...(await sendAll(producer, flights, run, sent, progress, 1, flights.length)));
    const sentMs = performance.now();
    await arrivals.until(() => readers.every((reader) => reader.received.size >= wantedBy(reader, sent)), QUIET_MS_MAX);
    const endedMs = performance.now();
    watching.unsubscribe();
    progress.stop();

    const verdicts = readers.map((reader) => verdictOf(reader, sent));
    const bytes = flights.reduce((sum, flight) => sum + Buffer.byteLength(JSON.stringify(flight)), 0);
    console.log(
      [
        [
          drawThroughput('Sent', sent.size, bytes, sentMs - startedMs),
          drawThroughput('Received by all', sent.size, bytes, endedMs - startedMs),
        ].join('\n'),
        drawReaders(verdicts),
        drawStages(stages.means(), IN_FLIGHT),
        drawDelays(readers[0].delays),
        producer.describe(),
      ].join('\n\n'),
    );
    for (const { error, index } of failures.slice(0, 10))
      console.error(`flight ${index} was not sent: ${error.message}`);
    const complete =
      failures.length === 0 && sent.size === flights.length && verdicts.every(({ verdict }) => verdict.complete);
    console.log(complete ? `\n${run}: complete` : `\n${run}: NOT COMPLETE, ${failures.length} not sent`);
    return complete;
  } finally {
    await Promise.all(readers.flatMap((reader) => reader.clients.map((client) => client.close())));
    await mq.close();
  }
}

/** Sends flights `from` up to `to`, and again those that may succeed at another time. Returns the failures that remain. */
async function sendAll(producer, flights, run, sent, progress, from, to) {
  const indexes = Array.from({ length: to - from }, (_, index) => from + index);
  let failures = await sendOnce(producer, flights, run, sent, progress, indexes);
  for (let newestMs = performance.now(); performance.now() - newestMs < RESEND_MS_MAX; ) {
    const again = failures.filter(({ error }) => error.retryable);
    if (again.length === 0) break;
    await wait(RESEND_PAUSE_MS);
    const before = sent.size;
    const still = again.map(({ index }) => index);
    failures = failures.filter(({ error }) => !error.retryable);
    failures.push(...(await sendOnce(producer, flights, run, sent, progress, still)));
    if (sent.size > before) newestMs = performance.now();
  }
  return failures;
}

/** Sends flights, 256 in flight; what was acknowledged goes into the ledger. Returns the failures. */
async function sendOnce(producer, flights, run, sent, progress, indexes) {
  const failures = [];
  function* messages() {
    for (const index of indexes) yield toMessage(run, index, flights[index]);
  }
  for await (const outcome of producer.sendAll(messages(), { concurrency: IN_FLIGHT })) {
    const { message } = outcome;
    if (outcome.error !== undefined) {
      failures.push({ error: outcome.error, index: Number(message.keys.slice(run.length + 1)) });
    } else {
      sent.add({ run, key: message.keys, tag: message.tag, body: message.body });
      progress.sent(sent.size);
    }
  }
  return failures;
}

function verdictOf(reader, sent) {
  return { ...reader, wanted: wantedBy(reader, sent), verdict: compare(sent, reader.received, reader.wants) };
}

function wantedBy(reader, sent) {
  let count = 0;
  for (const tag of sent.tagOfKey.values()) if (reader.wants(tag)) count += 1;
  return count;
}
