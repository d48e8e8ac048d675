/** Apache's own examples of delayed messages, 5.5.0, on our server: levels and timers at once, by what their consumers print. */
import { expect, inject, onTestFinished, test } from 'vitest';
import { connect } from '../../core/index.js';
import { startServer } from '../../core/server/index.js';
import { waitFor } from '../kit/wait-for.js';
import { type RunningExample, startExample } from './kit/examples.js';

/** What each of them asks for. */
const DELAY_MS = 10_000;
/** A message is born when it is sent, a little after its instant was reckoned: the first waits for its route in between. */
const BORN_LATER_MS = 1_500;

test('schedule.ScheduledMessageProducer and schedule.TimerMessageProducer are heard ten seconds later', async () => {
  const server = await startServer({ store: 'memory', nameServerPort: 0, brokerPort: 0 });
  onTestFinished(() => server.close());
  const example = async (name: string): Promise<RunningExample> => {
    const running = await startExample(inject('java'), `schedule.${name}`, { nameServer: server.nameServers });
    onTestFinished(() => running.stop());
    return running;
  };
  const mq = await connect({ nameServers: server.nameServers });
  onTestFinished(() => mq.close());
  // A Java consumer looks for a topic that it did not find only every 30 s.
  const first = await mq.producer({ group: 'makes_topics' });
  for (const topic of ['TestTopic', 'TimerTopic']) await first.send({ topic, body: 'x' });
  const [levels, timers] = await Promise.all([example('ScheduledMessageConsumer'), example('TimerMessageConsumer')]);
  // On a busy machine its first rebalance may find nobody, and the next is 20 s later.
  const patient = { timeoutMs: 60_000 };
  await Promise.all([levels.prints(/Receive message/, patient), timers.prints(/Receive message/, patient)]);
  await Promise.all([example('ScheduledMessageProducer'), example('TimerMessageProducer')]);

  const ages = ({ output }: RunningExample): number[] =>
    [...output.matchAll(/Receive message\[msgId=\S+ (\d+) {2}ms later/g)].map(([, ms]) => Number(ms));
  const all = () => ages(levels).length === 101 && ages(timers).length === 11;
  await waitFor(all, { timeoutMs: 40_000, what: 'all messages' });
  // Of timers the consumer prints the time since they were made.
  for (const ageMs of ages(timers).slice(1)) {
    expect(ageMs).toBeGreaterThanOrEqual(DELAY_MS - BORN_LATER_MS);
    expect(ageMs).toBeLessThan(DELAY_MS + 4_000);
  }
});
