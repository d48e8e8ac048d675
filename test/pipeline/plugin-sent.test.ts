/** What failed because of a plugin says whether the message may be stored all the same. */
import { EMPTY, of, tap, throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import type { RequestInterceptor } from '../../core/remoting/request-interceptor.js';
import { remotingPair } from '../remoting/remoting-setup.js';
import { answerNothing, hello, pipelineKit, rejection } from './pipeline-kit.js';

const boom = (): never => {
  throw new Error('boom');
};

test('a plugin that throws before the send says that nothing was sent', async () => {
  const kit = await pipelineKit({ plugins: [{ plugin: 'audit', before: 'send', create: () => boom }] });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', sent: 'no' });
  expect(kit.requests).toHaveLength(0);
});

test('a plugin that throws behind a send that succeeded says that the message may be stored', async () => {
  const kit = await pipelineKit({
    plugins: [{ plugin: 'audit', before: 'check', create: () => (context, next) => next(context).pipe(tap(boom)) }],
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', sent: 'maybe' });
  expect(kit.requests).toHaveLength(1);
});

test('a plugin that gives up while a broker has the message says so', async () => {
  const kit = await pipelineKit({
    script: answerNothing,
    plugins: [
      {
        plugin: 'audit',
        before: 'check',
        create: () => (context, next) => {
          next(context);
          return throwError(() => new Error('I will not wait'));
        },
      },
    ],
  });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', sent: 'maybe' });
});

test('a broken contract says it too', async () => {
  const before = await pipelineKit({ plugins: [{ plugin: 'audit', before: 'route', create: () => () => EMPTY }] });
  expect(await rejection(before.producer.send(hello))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', sent: 'no' });
  const behind = await pipelineKit({
    plugins: [
      {
        plugin: 'audit',
        before: 'route',
        create: () => (context, next) => {
          next(context);
          return next(context);
        },
      },
    ],
  });
  expect(await rejection(behind.producer.send(hello))).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', sent: 'maybe' });
});

async function requestThrough(interceptor: RequestInterceptor) {
  const { client, address } = await remotingPair(
    createMemoryTransport(),
    { client: { interceptors: { decorate: [{ plugin: 'audit', interceptor }] } } },
    (server) => server.processOthers(() => ({ code: 0 })),
  );
  return rejection(client.invoke(address, { code: 105 }, { timeoutMs: 3_000 }));
}

test('so do interceptors of raw requests', async () => {
  expect(await requestThrough(boom)).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', sent: 'no' });
  expect(await requestThrough(() => of())).toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', sent: 'no' });
  expect(await requestThrough((context, next) => next(context).pipe(tap(boom)))).toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    sent: 'maybe',
  });
});
