import { filter, lastValueFrom, map, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import type { StageEvent } from '../../core/pipeline/events.js';
import { answerNothing, hello, pipelineKit } from './pipeline-kit.js';

const shape = (event: StageEvent): string =>
  event.type === 'stage' ? `stage ${event.stage} ${event.attempt}` : `${event.type} ${event.attempt}`;

const ONE_SEND = [
  'stage check 0',
  'stage route 0',
  'stage select 0',
  'attempt 1',
  'stage compress 1',
  'stage send 1',
  'stage updateFault 1',
  'done 1',
];

test('run is a cold stream of one message’s stage events that ends in done with the result', async () => {
  const kit = await pipelineKit();
  const stream = kit.producer.pipeline.run(hello);
  expect(kit.requests).toHaveLength(0);
  const events = await lastValueFrom(stream.pipe(toArray()));
  expect(events.map(shape)).toEqual(ONE_SEND);
  expect(events.at(-1)).toMatchObject({ type: 'done', topic: 'orders', result: { status: 'SEND_OK' } });
  expect(new Set(events.map((event) => event.msgId)).size).toBe(1);
  await lastValueFrom(stream);
  expect(kit.requests).toHaveLength(2);
});

test('run tells a failed attempt and goes on; a failed send is a failed event and then the error', async () => {
  const kit = await pipelineKit({
    script: (request) => queueMicrotask(() => request.answer(kit.requests.length === 1 ? 14 : 13)),
  });
  const events: StageEvent[] = [];
  const error = await new Promise((resolve) => {
    kit.producer.pipeline.run(hello).subscribe({ next: (event) => events.push(event), error: resolve });
  });
  expect(error).toMatchObject({ code: 'RMQ_SEND_FAILED' });
  expect(events.filter((event) => event.type === 'failed')).toMatchObject([
    { attempt: 1, final: false, error: { responseCode: 14 } },
    { attempt: 2, final: false, error: { responseCode: 13 } },
    { attempt: 2, final: true, error },
  ]);
});

test('unsubscribing from run cancels the send', async () => {
  const kit = await pipelineKit({ script: answerNothing });
  kit.producer.pipeline.run(hello).subscribe().unsubscribe();
  expect(kit.requests[0]?.cancelled).toBe(true);
});

test('events$ is hot: the events of all sends, from subscription on', async () => {
  const kit = await pipelineKit();
  await kit.producer.send(hello);
  const events: StageEvent[] = [];
  const subscription = kit.producer.pipeline.events$.subscribe((event) => events.push(event));
  await kit.producer.send(hello);
  subscription.unsubscribe();
  await kit.producer.send(hello);
  expect(events.map(shape)).toEqual(ONE_SEND);
  expect(events.every((event) => event.atMs === 0)).toBe(true);
});

test('close completes events$, also for those who come later', async () => {
  const kit = await pipelineKit();
  const ends: string[] = [];
  kit.producer.pipeline.events$.subscribe({ complete: () => ends.push('early') });
  await kit.producer.close();
  kit.producer.pipeline.events$.subscribe({ complete: () => ends.push('late') });
  expect(ends).toEqual(['early', 'late']);
});

test('a subscriber that throws is dropped and reported, and harms neither the send nor the other subscribers', async () => {
  const kit = await pipelineKit();
  const seen: string[] = [];
  let calls = 0;
  kit.producer.pipeline.events$.subscribe(() => {
    calls++;
    throw new Error('broken dashboard');
  });
  kit.producer.pipeline.events$.subscribe((event) => seen.push(event.type));
  expect((await kit.producer.send(hello)).status).toBe('SEND_OK');
  expect(calls).toBe(1);
  expect(seen).toHaveLength(8);
  expect(kit.log).toMatchObject([{ level: 'error', fields: { error: { message: 'broken dashboard' } } }]);
});

test('a subscriber behind pipe that throws, or an operator that throws with nobody to hear it, is dropped the same', async () => {
  const kit = await pipelineKit();
  const { events$ } = kit.producer.pipeline;
  events$
    .pipe(
      filter((event) => event.type === 'done'),
      map((event) => event.msgId),
    )
    .subscribe(() => {
      throw new Error('behind pipe');
    });
  events$
    .pipe(
      map(() => {
        throw new Error('in an operator');
      }),
    )
    .subscribe();
  await kit.producer.send(hello);
  await kit.producer.send(hello);
  expect(kit.log.map((line) => String(line.fields?.error)).sort()).toEqual([
    'Error: behind pipe',
    'Error: in an operator',
  ]);
});
