import { EMPTY, map, of } from 'rxjs';
import { expect, test } from 'vitest';
import type { SendContext } from '../../core/pipeline/context.js';
import { type FollowingWork, followed } from '../../core/pipeline/followed-step.js';
import type { SendInterceptor } from '../../core/pipeline/interceptor.js';
import type { SendResult } from '../../core/pipeline/send-result.js';
import { settled } from '../../core/pipeline/settled-step.js';
import { answerNothing, hello, type KitOptions, madeUp, pipelineKit, rejection } from './pipeline-kit.js';

type Run = SendInterceptor<SendContext>;

/** A kit with an interceptor around another, in the same gap; the inner one can stand for the rest of the chain. */
function kitWith(work: FollowingWork<SendResult>, options: KitOptions & { readonly inner?: Run } = {}) {
  const { inner = (context, next) => next(context), ...given } = options;
  return pipelineKit({
    ...given,
    plugins: [
      { plugin: 'audit', before: 'route', create: () => (context, next) => followed(next(context), work) },
      { plugin: 'inner', before: 'route', create: () => inner },
    ],
  });
}

test('work that follows decides how the send ends', async () => {
  const seen: SendResult[] = [];
  const kit = await kitWith(async (result) => {
    seen.push(result);
    return { ...result, msgId: 'another' };
  });
  expect(await kit.producer.send(hello)).toEqual({ ...seen[0]!, msgId: 'another' });
  expect(seen).toHaveLength(1);
});

test('what follows around what follows sees its result, and settled around it too', async () => {
  const seen: string[] = [];
  const follow =
    (name: string): Run =>
    (context, next) =>
      followed(
        settled(next(context), { value: ({ msgId }) => seen.push(`settled in ${name}: ${msgId}`) }),
        async (result) => ({ ...result, msgId: name }),
      );
  const kit = await pipelineKit({
    plugins: [
      { plugin: 'outer', before: 'check', create: () => follow('outer') },
      { plugin: 'middle', before: 'check', create: () => follow('middle') },
      { plugin: 'each', before: 'send', create: () => follow('each') },
    ],
  });
  expect(await kit.producer.send(hello)).toMatchObject({ msgId: 'outer' });
  expect(seen).toEqual([expect.any(String), 'settled in middle: each', 'settled in outer: middle']);
});

test.each<[string, Run]>([
  ['that is there at once', () => of(madeUp('at once'))],
  ['of operators', (context, next) => next(context).pipe(map((result) => ({ ...result, msgId: 'at once' })))],
])('work follows a result %s', async (_, inner) => {
  const kit = await kitWith(async ({ msgId, ...result }) => ({ ...result, msgId: `after ${msgId}` }), { inner });
  expect(await kit.producer.send(hello)).toMatchObject({ msgId: 'after at once' });
});

test('an error of the rest passes, without the work', async () => {
  let begun = 0;
  const work = (result: SendResult) => {
    begun++;
    return Promise.resolve(result);
  };
  const kit = await kitWith(work, { script: (request) => request.answer(13) });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_BROKER_ERROR' });
  const empty = await kitWith(work, { inner: () => EMPTY });
  expect(await rejection(empty.producer.send(hello))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE' });
  expect(begun).toBe(0);
});

const cause = new Error('no room in the audit');

test.each<[string, FollowingWork<SendResult>]>([
  ['rejects', () => Promise.reject(cause)],
  [
    'throws',
    () => {
      throw cause;
    },
  ],
])('work that %s fails the send under the name of its plugin', async (_, work) => {
  const failure = { code: 'RMQ_PLUGIN_FAILED', plugin: 'audit', cause };
  expect(await rejection((await kitWith(work)).producer.send(hello))).toMatchObject({ ...failure, sent: 'maybe' });
  const inner: Run = () => of(madeUp('at once'));
  expect(await rejection((await kitWith(work, { inner })).producer.send(hello))).toMatchObject({
    ...failure,
    sent: 'no',
  });
});

test('work without a result is misuse', async () => {
  const kit = await kitWith(() => Promise.resolve(undefined as never));
  expect(await rejection(kit.producer.send(hello))).toMatchObject({
    code: 'RMQ_PIPELINE_MISUSE',
    interceptor: 'plugin audit before route',
  });
});

test('a send whose time is over names the plugin whose work goes on, and ignores how that ends', async () => {
  let end: (result: SendResult) => void = () => {};
  let begin: (result: SendResult) => void = () => {};
  const begun = new Promise<SendResult>((resolve) => {
    begin = resolve;
  });
  const kit = await kitWith((result) => {
    begin(result);
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  const sending = rejection(kit.producer.send(hello, { timeoutMs: 500 }));
  const result = await begun;
  await kit.clock.advance(500);
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_TIMEOUT', plugin: 'audit', sent: 'maybe' });
  end(result);
  await Promise.resolve();
  expect(kit.log).toEqual([]);
});

test('a send that is cancelled before the broker answers begins no work', async () => {
  let begun = 0;
  const kit = await kitWith(
    (result) => {
      begun++;
      return Promise.resolve(result);
    },
    { script: answerNothing },
  );
  const abort = new AbortController();
  const sending = rejection(kit.producer.send(hello, { signal: abort.signal }));
  abort.abort();
  expect(await sending).toMatchObject({ code: 'RMQ_SEND_ABORTED' });
  expect(begun).toBe(0);
});
