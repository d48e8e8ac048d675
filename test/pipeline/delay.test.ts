/** Delays, retries and what names add: as they stand in the request, by what the chosen broker can. */
import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { decodeProperties } from '../../core/message/properties.js';
import { plainResourceNames } from '../../core/message/resource-names.js';
import type { CreateInterceptor } from '../../core/pipeline/attach.js';
import type { CreatedContext } from '../../core/pipeline/context.js';
import { hello, pipelineKit, rejection, type SeenRequest } from './pipeline-kit.js';

const V5_0_0 = { version: 413, known: true };
const propertiesOf = (request: SeenRequest | undefined) => ({ ...decodeProperties(String(request?.ext.i)) });

test('a delay that is a level goes to any broker as that level', async () => {
  const { producer, requests } = await pipelineKit();
  await producer.send({ ...hello, delay: '10s' });
  await producer.send({ ...hello, delayLevel: 18 });
  await producer.sendOneway({ ...hello, delay: '2h' });
  expect(requests.map((request) => propertiesOf(request).DELAY)).toEqual(['3', '18', '18']);
});

test('other durations and instants go to a broker with timers', async () => {
  const { producer, requests, versions } = await pipelineKit({ brokers: ['broker-a'] });
  versions.set('broker-a', V5_0_0);
  await producer.send({ ...hello, delay: '90s' });
  await producer.send({ ...hello, deliverAt: 1_800_000_000_000 });
  await producer.send({ ...hello, deliverAt: new Date(1_800_000_000_000) });
  expect(requests.map(propertiesOf)).toMatchObject([
    { TIMER_DELAY_MS: '90000' },
    { TIMER_DELIVER_MS: '1800000000000' },
    { TIMER_DELIVER_MS: '1800000000000' },
  ]);
});

test.each([
  ['delay', { ...hello, delay: '90s' }],
  ['deliverAt', { ...hello, deliverAt: 1_800_000_000_000 }],
])('a broker of 4.9 never sees a %s that it would ignore', async (field, message) => {
  const { producer, requests, faults } = await pipelineKit();
  for (const send of [producer.send(message), producer.sendOneway(message)]) {
    expect(await rejection(send)).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field, topic: 'orders' });
  }
  expect(requests).toEqual([]);
  expect(faults).toEqual([]);
});

test('a broker that has not said its version yet is asked before the first timed message', async () => {
  const { producer, requests, versions } = await pipelineKit({ brokers: ['broker-a'] });
  versions.set('broker-a', { version: 513, known: false });
  await producer.send({ ...hello, delay: '10s' });
  expect(versions.get('broker-a')?.known).toBe(false);
  await producer.send({ ...hello, delay: '90s' });
  expect(versions.get('broker-a')?.known).toBe(true);
  expect(requests.map((request) => request.ext.n)).toEqual(['broker-a', 'broker-a']);
});

test('a broker that cannot say its version is a failed attempt, and another broker is tried', async () => {
  const { producer, requests, versions } = await pipelineKit();
  const version = rocketMQError('RMQ_CONNECT_FAILED', 'nobody there', { address: 'broker-a:10911' });
  versions.set('broker-a', { version, known: false }).set('broker-b', V5_0_0);
  const result = await producer.send({ ...hello, delay: '90s' });
  expect(result.queue.brokerName).toBe('broker-b');
  expect(requests.map((request) => request.ext.n)).toEqual(['broker-b']);
});

test('interceptors may delay a message, and what they write is checked', async () => {
  const delayBy = (delay: string) => {
    const create: CreateInterceptor<CreatedContext> = () => (context, next) =>
      next(context.with({ message: { ...context.message, delay } }));
    return { plugin: 'later', before: 'route' as const, create };
  };
  const good = await pipelineKit({ plugins: [delayBy('5s')] });
  await good.producer.send(hello);
  expect(propertiesOf(good.requests[0])).toMatchObject({ DELAY: '2' });
  const bad = await pipelineKit({ plugins: [delayBy('soon')] });
  expect(await rejection(bad.producer.send(hello))).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'delay' });
});

test('RECONSUME_TIME and MAX_RECONSUME_TIMES go to the header of a send to a retry topic, and stay properties', async () => {
  const { producer, requests } = await pipelineKit();
  const systemProperties = { RECONSUME_TIME: '2', MAX_RECONSUME_TIMES: '5', ORIGIN_MESSAGE_ID: 'A1' };
  await producer.send({ topic: '%RETRY%g', body: 'x', systemProperties });
  await producer.send({ topic: 'orders', body: 'x', systemProperties });
  expect(requests[0]?.ext).toMatchObject({ b: '%RETRY%g', j: 2, l: 5 });
  expect(requests[1]?.ext).toMatchObject({ b: 'orders', j: 0 });
  expect(requests[1]?.ext.l).toBeUndefined();
  for (const request of requests) expect(propertiesOf(request)).toMatchObject(systemProperties);
});

test('a prepared message says so in its flags', async () => {
  const { producer, requests } = await pipelineKit();
  await producer.send({ ...hello, systemProperties: { TRAN_MSG: 'true', PGROUP: 'g' } });
  expect(requests[0]?.ext.f).toBe(4);
});

test('names may add properties to every message, beside a delay', async () => {
  const names = { ...plainResourceNames, properties: { INSTANCE_ID: 'ns' } };
  const { producer, requests } = await pipelineKit({ names });
  await producer.send(hello);
  await producer.send({ ...hello, delay: '1s' });
  expect(requests.map(propertiesOf)).toMatchObject([{ INSTANCE_ID: 'ns' }, { INSTANCE_ID: 'ns', DELAY: '1' }]);
});
