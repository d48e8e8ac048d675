/** The shapes in which messages are taken: handlers by topic, batches, an iterator, an Observable; and how each stops. */
import { firstValueFrom, map, mergeMap, take } from 'rxjs';
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import type { ConsumedMessage } from '../../core/consumer/delivery/consumed-message.js';
import type { DeliveryOutcome } from '../../core/consumer/delivery/delivery.js';
import type { HandlerContext } from '../../core/consumer/delivery/handler-context.js';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { on } from '../../core/consumer/shapes/topic-handler.js';
import { json } from '../../core/message/json-codec.js';
import { SysFlag } from '../../core/message/sys-flag.js';
import { topic } from '../../core/message/typed-topic.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { nextTurn, waitFor } from '../kit/wait-for.js';
import { FakeBroker } from './kit/fake-broker.js';
import { eventsOf, fakeClient } from './kit/fake-client.js';

function setup(options: Partial<ConsumerOptions> = {}, messages = 3) {
  const clock = virtualClock();
  const broker = new FakeBroker();
  for (const name of ['orders', 'audit', '%RETRY%billing']) broker.createTopic(name, 1);
  for (const name of ['orders', 'audit']) broker.setOffset('billing', name, 0, 0);
  for (let index = 0; index < messages; index++) broker.put('orders', 0);
  const seen: DeliveryOutcome[] = [];
  const client = fakeClient(broker, clock, {
    services: {
      deliveryAttachments: [
        {
          plugin: 'watcher',
          order: undefined,
          create: () => (context, next) =>
            next(context).pipe(
              map((outcome) => {
                seen.push(outcome);
                return outcome;
              }),
            ),
        },
      ],
    },
  });
  const consumer = client.consumer({ group: 'billing', subscribe: { orders: '*' }, ...options });
  const committed = async () => {
    await clock.advance(5_000);
    return broker.offsetOf('billing', 'orders', 0);
  };
  return { clock, broker, client, consumer, seen, committed };
}

describe('handlers by topic', () => {
  const orders = topic('orders', json<{ id: number }>());

  test('get the messages of their topics, also those that come again, with the value of their type', async () => {
    const { client, broker } = setup({}, 0);
    broker.put('orders', 0, { body: '{"id":7}' });
    broker.put('audit', 0, { body: 'line' });
    const consumer = client.consumer({ group: 'billing', subscribe: [orders, 'audit'] });
    const got: unknown[] = [];
    let failed = false;
    await consumer.run([
      on(orders, (message) => {
        expectTypeOf(message.value).toEqualTypeOf<{ id: number }>();
        if (!failed) {
          failed = true;
          throw new Error('once');
        }
        got.push(message.value.id);
      }),
      on('audit', (message) => void got.push(message.body.toString())),
    ]);
    await waitFor(() => broker.delayed.length === 1 && got.length === 1);
    broker.deliverDelayed();
    await waitFor(() => got.length === 2);
    expect(got).toEqual(['line', 7]);
  });

  test.each<[string, ReturnType<typeof on>[]]>([
    ['topic audit has no handler', [on('orders', () => undefined)]],
    ['topic orders has two handlers', [on('orders', () => undefined), on('orders', () => undefined)]],
    ['there is a handler for topic bills, which is not subscribed to', [on('bills', () => undefined)]],
    ['topic audit needs a handler function, not undefined', [on('audit', undefined as never)]],
  ])('are refused when %s', async (message, handlers) => {
    const { client } = setup();
    const consumer = client.consumer({ group: 'billing', subscribe: [orders, 'audit'] });
    await expect(consumer.run(handlers)).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'handler',
      message,
    });
    expect(consumer.state).toBe('created');
  });

  test('have policies of their own, which count for what comes again too', async () => {
    const { client, broker, clock } = setup({}, 0);
    const audit = topic('audit', json());
    for (const name of ['orders', 'audit']) broker.put(name, 0, { body: 'no JSON' });
    broker.put('orders', 0, { body: '{"id":7}' });
    const consumer = client.consumer({ group: 'billing', subscribe: [orders, audit], undecodable: 'skip' });
    const failing = (): void => {
      throw new Error('no bank today');
    };
    await consumer.run([
      on(orders, failing, { undecodable: 'deadLetter', maxReconsumeTimes: 1 }),
      on(audit, () => undefined),
    ]);
    const dead = () => broker.messagesOf('%DLQ%billing').map(({ body }) => body.toString());
    await waitFor(() => broker.delayed.length === 1);
    expect(dead()).toEqual(['no JSON']);
    broker.deliverDelayed();
    await waitFor(() => dead().length === 2);
    expect(dead()[1]).toBe('{"id":7}');
    const properties = { RETRY_TOPIC: 'orders' };
    broker.put('%RETRY%billing', 0, { body: 'no zlib', sysFlag: SysFlag.COMPRESSED, properties });
    await waitFor(() => dead().length === 3);
    await clock.advance(5_000);
    expect(broker.offsetOf('billing', 'audit', 0)).toBe(1);
  });

  test.each<[string, string, object]>([
    ['retries', 'retries', { retries: 3 }],
    ['undecodable', 'on.undecodable', { undecodable: 'ignore' }],
    ['poison', 'on.poison', { poison: 'retry' }],
    ['maxReconsumeTimes', 'on.maxReconsumeTimes', { maxReconsumeTimes: -1 }],
  ])('are refused with a wrong policy %s, by its name', async (_name, option, policies) => {
    const { consumer } = setup();
    const refused = { code: 'RMQ_OPTIONS_INVALID', option };
    await expect(consumer.run([on('orders', () => undefined, policies)])).rejects.toMatchObject(refused);
    await consumer.run(() => undefined);
    await expect(consumer.subscribe('audit', '*', () => undefined, policies)).rejects.toMatchObject(refused);
    await expect(consumer.subscribe('audit', '*', undefined, policies)).rejects.toMatchObject({ option: 'handler' });
  });
});

describe('batches', () => {
  test('hold up to batchSize messages of one queue; returning acknowledges all, what is said of one counts for it', async () => {
    const { consumer, broker, seen, committed } = setup({ batchSize: 4, concurrency: 1 }, 6);
    const batches: number[][] = [];
    await consumer.runBatch((messages, { attempt }) => {
      batches.push(messages.map(({ queueOffset }) => queueOffset));
      if (attempt === 0 && batches.length === 1) messages[1]?.retry();
      if (attempt === 0 && batches.length === 2) messages[0]?.deadLetter('not ours');
    });
    await waitFor(() => batches.length === 2 && broker.delayed.length === 1);
    expect(batches).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
    expect(seen[0]).toEqual({
      kind: 'each',
      outcomes: [{ kind: 'ack' }, { kind: 'retry', error: undefined }, { kind: 'ack' }, { kind: 'ack' }],
    });
    expect(broker.messagesOf('%DLQ%billing').map(({ msgId }) => msgId)).toEqual(['orders/0/4']);
    broker.deliverDelayed();
    await waitFor(() => batches.length === 3);
    expect(batches[2]).toEqual([0]);
    expect(await committed()).toBe(6);
  });

  test('come again whole when their handler throws, each message alone, but for those that were acknowledged', async () => {
    const { consumer, broker, committed } = setup({ batchSize: 3 });
    const sizes: number[] = [];
    await consumer.runBatch(async (messages) => {
      sizes.push(messages.length);
      if (sizes.length > 1) return;
      messages[0]?.ack();
      await nextTurn();
      throw new Error('no bank today');
    });
    await waitFor(() => broker.delayed.length === 2);
    broker.deliverDelayed();
    await waitFor(() => sizes.length === 3);
    expect(sizes).toEqual([3, 1, 1]);
    expect(await committed()).toBe(3);
  });

  test('leave out what no value can be read of, and what another tag is', async () => {
    const { client, broker, committed } = setup({}, 0);
    for (const body of ['{"id":1}', 'broken', '{"id":3}']) broker.put('orders', 0, { body, tag: 'Aa' });
    broker.put('orders', 0, { body: '{"id":4}', tag: 'BB' });
    const orders = topic('orders', json<{ id: number }>());
    const options = { batchSize: 4, undecodable: 'deadLetter' } as const;
    const consumer = client.consumer({ group: 'billing', subscribe: [[orders, 'Aa']], ...options });
    const ids: number[][] = [];
    await consumer.runBatch((messages) => void ids.push(messages.map(({ value }) => value.id)));
    await waitFor(() => ids.length === 1);
    expect(ids).toEqual([[1, 3]]);
    expect(await committed()).toBe(4);
    expect(broker.messagesOf('%DLQ%billing')).toHaveLength(1);
  });

  test('are for runBatch: run refuses a batchSize', async () => {
    const { consumer } = setup({ batchSize: 2 });
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      option: 'batchSize',
    });
    await consumer.runBatch(() => undefined);
    expect(consumer.state).toBe('running');
  });
});

describe('messages()', () => {
  test('gives messages as they are asked for, and commits what was acknowledged', async () => {
    const { consumer, committed } = setup();
    const offsets: number[] = [];
    for await (const message of consumer.messages()) {
      offsets.push(message.queueOffset);
      expect(message.ack()).toBe(true);
      if (offsets.length === 2) expect(await committed()).toBe(2);
      if (offsets.length === 3) break;
    }
    expect(offsets).toEqual([0, 1, 2]);
    expect(consumer.state).toBe('shut down');
  });

  test('leaving the loop gives back what was not acknowledged, at once', async () => {
    const { consumer, broker, seen } = setup();
    const kept: ConsumedMessage[] = [];
    for await (const message of consumer.messages()) {
      kept.push(message);
      break;
    }
    expect([consumer.state, broker.offsetOf('billing', 'orders', 0)]).toEqual(['shut down', 0]);
    expect(kept[0]?.ack()).toBe(false);
    expect(seen).toMatchObject([{ kind: 'retry', error: { name: 'AbortError' } }]);
    expect(broker.delayed).toEqual([]);
  });

  test("acknowledges a message when the next is asked for, with ack: 'onNext'", async () => {
    const { consumer, broker, committed } = setup();
    const iterator = consumer.messages({ ack: 'onNext' });
    await iterator.next();
    expect(await committed()).toBe(0);
    const second = await iterator.next();
    second.value?.retry();
    await iterator.next();
    expect(await committed()).toBe(2);
    expect(broker.delayed).toHaveLength(1);
    await iterator.return?.();
    expect(broker.offsetOf('billing', 'orders', 0)).toBe(2);
  });

  test('holds no more than concurrency that nothing was said of, several asked for at a time', async () => {
    const { consumer } = setup({ concurrency: 2 });
    const iterator = consumer.messages();
    const results = [iterator.next(), iterator.next(), iterator.next()];
    const [first, second] = await Promise.all(results.slice(0, 2));
    let third: number | undefined;
    void results[2]?.then(({ value }) => {
      third = value?.queueOffset;
    });
    await nextTurn();
    expect([first?.value?.queueOffset, second?.value?.queueOffset, third]).toEqual([0, 1, undefined]);
    second?.value?.ack();
    await waitFor(() => third === 2);
  });

  test('ends with its signal once what is given out is acknowledged', async () => {
    const { consumer, broker } = setup();
    const stop = new AbortController();
    const offsets: number[] = [];
    for await (const message of consumer.messages({ signal: stop.signal })) {
      stop.abort();
      await nextTurn();
      expect(consumer.state).toBe('closing');
      offsets.push(message.queueOffset);
      message.ack();
    }
    await consumer.close();
    expect([offsets, broker.offsetOf('billing', 'orders', 0)]).toEqual([[0], 1]);
  });

  test('gives a message up after consumeTimeoutMs, and one whose queue was lost', async () => {
    const { consumer, broker, clock, client } = setup({ consumeTimeoutMs: 10_000 });
    const iterator = consumer.messages();
    const first = await iterator.next();
    await clock.advance(10_000);
    expect(broker.delayed).toMatchObject([{ delayLevel: 3 }]);
    expect(first.value?.ack()).toBe(false);
    const second = await iterator.next();
    broker.createTopic('orders', 0);
    client.changeRoute('orders');
    await waitFor(() => consumer.assignment().length === 0);
    expect(second.value?.ack()).toBe(false);
    broker.createTopic('orders', 1);
    client.changeRoute('orders');
    const again = await iterator.next();
    expect(again.value?.queueOffset).toBe(1);
  });

  test('fails where run would, and is the only way to take them', async () => {
    const { consumer, client } = setup();
    expect(() => consumer.messages({ ack: 'never' as never })).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'ack' }),
    );
    await consumer.run(() => undefined);
    await expect(consumer.messages().next()).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
    const other = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const iterator = other.messages();
    await expect(Promise.all([iterator.next(), iterator.next()])).rejects.toMatchObject({
      code: 'RMQ_GROUP_DUPLICATE',
    });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });
});

describe('who comes second', () => {
  test('is refused, and takes the messages from nobody', async () => {
    const { consumer, clock } = setup({ concurrency: 1 });
    const got: number[] = [];
    consumer.messages$.subscribe((message) => {
      got.push(message.queueOffset);
      message.ack();
    });
    const refused = { code: 'RMQ_NOT_RUNNING' };
    await expect(firstValueFrom(consumer.messages$)).rejects.toMatchObject(refused);
    const iterator = consumer.messages();
    await expect(iterator.next()).rejects.toMatchObject(refused);
    await iterator.return?.();
    await clock.settle();
    expect([consumer.state, got]).toEqual(['running', [0, 1, 2]]);
  });
});

describe('messages$', () => {
  test('pushes up to concurrency messages until something is said of one', async () => {
    const { consumer, committed } = setup({ concurrency: 2 });
    const held: ConsumedMessage[] = [];
    const subscription = consumer.messages$.subscribe((message) => held.push(message));
    onTestFinished(() => subscription.unsubscribe());
    await waitFor(() => held.length === 2);
    await nextTurn();
    expect(held).toHaveLength(2);
    held[0]?.ack();
    await waitFor(() => held.length === 3);
    for (const message of held) message.ack();
    expect(await committed()).toBe(3);
  });

  test('is closed by unsubscribing, what is given out being waited for, and completes with close', async () => {
    const { consumer, broker } = setup();
    const done: number[] = [];
    let finish: () => void = () => {};
    await new Promise<void>((resolve) => {
      consumer.messages$
        .pipe(
          take(1),
          mergeMap((message) => {
            finish = () => done.push(message.ack() ? 1 : 0);
            return [message];
          }),
        )
        .subscribe({ complete: resolve });
    });
    await nextTurn();
    expect(consumer.state).toBe('closing');
    finish();
    await consumer.close();
    expect([done, broker.offsetOf('billing', 'orders', 0)]).toEqual([[1], 1]);
  });

  test('raises what starting fails with, and completes when the consumer is closed', async () => {
    const { consumer, client } = setup();
    const other = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
    const ended = new Promise<void>((resolve) => {
      consumer.messages$.subscribe({ next: (message) => message.ack(), complete: resolve });
    });
    await waitFor(() => consumer.state === 'running');
    const failure = await new Promise((resolve) => other.messages$.subscribe({ error: resolve }));
    expect(failure).toMatchObject({ code: 'RMQ_GROUP_DUPLICATE' });
    await consumer.close();
    await ended;
  });
});

describe('the signal of the options', () => {
  test('closes messages$: what is given out may still be acknowledged, then it completes', async () => {
    const stop = new AbortController();
    const { consumer, broker } = setup({ signal: stop.signal });
    const held: ConsumedMessage[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      consumer.messages$.subscribe({ next: (message) => held.push(message), complete: resolve, error: reject });
    });
    await waitFor(() => held.length === 3);
    stop.abort();
    await ended;
    expect(consumer.state).toBe('closing');
    for (const message of held) expect(message.ack()).toBe(true);
    await consumer.close();
    expect([consumer.state, broker.offsetOf('billing', 'orders', 0)]).toEqual(['shut down', 3]);
  });

  test('closes runBatch, unless that was given one of its own', async () => {
    const [stop, own] = [new AbortController(), new AbortController()];
    const batches: number[] = [];
    const { consumer, client, committed } = setup({ signal: stop.signal, batchSize: 4 });
    await consumer.runBatch((messages) => void batches.push(messages.length));
    await waitFor(() => batches.length === 1);
    stop.abort();
    await consumer.close();
    expect([consumer.state, await committed(), batches]).toEqual(['shut down', 3, [3]]);
    const other = client.consumer({ group: 'billing', subscribe: { orders: '*' }, signal: stop.signal });
    await other.runBatch(() => undefined, { signal: own.signal });
    expect(other.state).toBe('running');
    own.abort();
    expect(other.state).toBe('closing');
  });

  test('starts nothing when it was aborted before', async () => {
    const { consumer } = setup({ signal: AbortSignal.abort() });
    await expect(consumer.run(() => undefined)).rejects.toMatchObject({ name: 'AbortError' });
    await expect(consumer.messages().next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(consumer.state).toBe('created');
    const failure = await new Promise((resolve) => consumer.messages$.subscribe({ error: resolve }));
    expect(failure).toMatchObject({ name: 'AbortError' });
  });
});

test('a signal that a handler aborts before the start is over ends it in peace', async () => {
  const { consumer, committed } = setup();
  const stop = new AbortController();
  await consumer.run(() => stop.abort(), { signal: stop.signal });
  await consumer.close();
  expect(consumer.state).toBe('shut down');
  expect(await committed()).toBeGreaterThan(0);
});

test('a signal closes a consumer that runs handlers, and one that is aborted already starts nothing', async () => {
  const { consumer, client } = setup();
  const stop = new AbortController();
  const contexts: HandlerContext[] = [];
  const events = eventsOf(consumer);
  await consumer.run((_message, context) => void contexts.push(context), { signal: stop.signal });
  await waitFor(() => contexts.length === 3);
  stop.abort();
  await waitFor(() => events.some(({ type }) => type === 'closed'));
  expect(consumer.state).toBe('shut down');
  const late = client.consumer({ group: 'billing', subscribe: { orders: '*' } });
  await expect(late.run(() => undefined, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(late.state).toBe('created');
});
