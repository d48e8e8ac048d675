/**
 * A send that was given something else than an AbortSignal failed with "the message cannot be read", but stayed in flight:
 * it held its place in the budget, the producer never finished closing, and when it gave up waiting the process died of a
 * TypeError in a timer. Misspelt options of a send were not noticed, and a selector that was an async function left a
 * rejection behind that nobody handled. Options of a send are now looked at before anything else is done.
 */
import { of } from 'rxjs';
import { expect, test } from 'vitest';
import type { MessageQueue } from '../../core/message/message.js';
import type { SendOptions } from '../../core/producer/producer.js';
import { hello, pipelineKit, rejection } from '../pipeline/pipeline-kit.js';

const wrong = (options: object): SendOptions => options as SendOptions;

test.each([
  ['signal', { signal: {} }],
  ['signal', { signal: new AbortController() }],
  ['signal', { signal: null }],
  ['timeout', { timeout: 500 }],
])('a send with a wrong %s is refused by name, and the producer closes', async (option, options) => {
  const { producer } = await pipelineKit();
  const refused = { code: 'RMQ_OPTIONS_INVALID', option };
  expect(await rejection(producer.send(hello, wrong(options)))).toMatchObject(refused);
  expect(await rejection(producer.sendOneway(hello, wrong(options)))).toMatchObject(refused);
  expect(await rejection(producer.sendBatch([hello], wrong(options)))).toMatchObject(refused);
  expect(await rejection(producer.request(hello, wrong(options)))).toMatchObject(refused);
  expect(() => producer.sendAll([hello], wrong(options))).toThrow(expect.objectContaining(refused));
  expect(() => of(hello).pipe(producer.pipeline.operator(wrong(options)))).toThrow(expect.objectContaining(refused));
  await producer.close();
});

test('options that are no object, and a source that gives nothing, are refused', async () => {
  const { producer } = await pipelineKit();
  const options = { code: 'RMQ_OPTIONS_INVALID', option: 'options' };
  expect(await rejection(producer.send(hello, 'fast' as SendOptions))).toMatchObject(options);
  expect(() => producer.sendAll(hello as never)).toThrow(expect.objectContaining({ option: 'messages' }));
});

test('a selector that answers by promise is told so, and its rejection is no unhandled one', async () => {
  const { producer } = await pipelineKit();
  const later = (async (): Promise<MessageQueue> => Promise.reject(new Error('no queue'))) as never;
  expect(await rejection(producer.send(hello, { selector: later }))).toMatchObject({
    code: 'RMQ_OPTIONS_INVALID',
    option: 'selector',
    message: expect.stringContaining('not by promise'),
  });
});
