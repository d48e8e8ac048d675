import { expect, test } from 'vitest';
import { answerNothing, hello, type PipelineKit, pipelineKit } from '../pipeline/pipeline-kit.js';

/** Begins a send for each time-out, now; the names of those that failed, in the order in which they did. */
function sendAll(kit: PipelineKit, timeouts: Readonly<Record<string, number>>): string[] {
  const failed: string[] = [];
  for (const [name, timeoutMs] of Object.entries(timeouts)) {
    kit.producer.send(hello, { timeoutMs }).then(
      () => {},
      (error: { code: string }) => failed.push(`${name} ${error.code}`),
    );
  }
  return failed;
}

const timedOut = (...names: string[]) => names.map((name) => `${name} RMQ_SEND_TIMEOUT`);

test('sends whose deadlines come in order share one entry, and each ends at its own', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const failed = sendAll(kit, { first: 100, second: 100, third: 200 });
  expect(kit.deadlines.size).toBe(1);
  await kit.clock.advance(99);
  expect(failed).toEqual([]);
  await kit.clock.advance(1);
  expect(failed).toEqual(timedOut('first', 'second'));
  expect(kit.deadlines.size).toBe(1);
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('first', 'second', 'third'));
  expect(kit.deadlines.size).toBe(0);
});

test('a send whose deadline precedes that of one before it has an entry of its own', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const failed = sendAll(kit, { long: 300, short: 100, longer: 400, forever: Number.POSITIVE_INFINITY });
  expect(kit.deadlines.size).toBe(2);
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('short'));
  await kit.clock.advance(200);
  expect(failed).toEqual(timedOut('short', 'long'));
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('short', 'long', 'longer'));
  expect(kit.deadlines.size).toBe(0);
});

test('the entry finds the next send when the one it was made for has ended', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const failed = sendAll(kit, { first: 100, second: 150 });
  kit.requests[0]!.answer();
  await kit.clock.advance(149);
  expect(failed).toEqual([]);
  await kit.clock.advance(1);
  expect(failed).toEqual(timedOut('second'));
});

test('a send that begins when the last one has ended late has its deadline too', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  const failed: string[] = [];
  const repeat = (left: number): void => {
    kit.producer.send$(hello, { timeoutMs: 100 }).subscribe({
      error: (error: { code: string }) => {
        failed.push(`${left} ${error.code}`);
        if (left > 1) repeat(left - 1);
      },
    });
  };
  repeat(3);
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('3'));
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('3', '2'));
  await kit.clock.advance(100);
  expect(failed).toEqual(timedOut('3', '2', '1'));
  expect(kit.deadlines.size).toBe(0);
});
