import { describe, expect, test } from 'vitest';
import type { ConsumerOptions } from '../../core/consumer/options/consumer-options.js';
import { resolveConsumerOptions } from '../../core/consumer/options/resolve-consumer-options.js';
import { sql } from '../../core/consumer/subscription/sql.js';
import type { Subscribe } from '../../core/consumer/subscription/subscribe.js';
import { parseSubscribe as parseSubscribeOf } from '../../core/consumer/subscription/subscription.js';
import { json } from '../../core/message/json-codec.js';
import { topic } from '../../core/message/typed-topic.js';
import { backOffMs } from '../../core/runtime/back-off.js';
import { virtualClock } from '../../core/testing/virtual-clock.js';
import { FakeBroker } from './kit/fake-broker.js';
import { fakeClient } from './kit/fake-client.js';

describe('options', () => {
  test('defaults are those of the protocol', () => {
    expect(resolveConsumerOptions({ group: 'g', subscribe: { t: '*' } })).toEqual({
      from: 'last',
      messageModel: 'clustering',
      messageRequestMode: 'pull',
      popInvisibleTimeMs: 60_000,
      popBatchSize: 32,
      popThresholdForQueue: 96,
      ordered: false,
      suspendCurrentQueueTimeMs: 1_000,
      poison: 'deadLetter',
      allocateStrategy: undefined,
      localOffsetStoreDir: undefined,
      concurrency: 20,
      batchSize: 1,
      pullBatchSize: 32,
      pullThresholdForQueue: 1_000,
      pullThresholdSizeForQueueBytes: 100 * 1024 * 1024,
      pullThresholdForTopic: undefined,
      pullThresholdSizeForTopicBytes: undefined,
      consumeConcurrentlyMaxSpan: 2_000,
      messagesPerSecond: undefined,
      pullIntervalMs: 0,
      suspendTimeoutMs: 15_000,
      pullTimeoutMs: 30_000,
      pullRetryDelayMs: 1_000,
      maxReconsumeTimes: 16,
      retry: { here: { attempts: 0, initialDelayMs: 1_000, maxDelayMs: 30_000 }, backOff: undefined },
      undecodable: 'retry',
      consumeTimeoutMs: 900_000,
      rebalanceIntervalMs: 20_000,
      persistOffsetIntervalMs: 5_000,
      requestTimeoutMs: 3_000,
      decompressedSizeBytesMax: 16_777_216,
    });
  });

  test.each<[string, object]>([
    ['concurrency', { concurrency: 0 }],
    ['concurrency', { concurrency: 1_001 }],
    ['concurrency', { concurrency: 1.5 }],
    ['concurrency', { concurrency: '20' }],
    ['pullBatchSize', { pullBatchSize: 1_025 }],
    ['messageRequestMode', { messageRequestMode: 'push' }],
    ['messageRequestMode', { messageRequestMode: 'pop', ordered: true }],
    ['messageRequestMode', { messageRequestMode: 'assigned', messageModel: 'broadcasting' }],
    ['from', { messageRequestMode: 'pop', from: { timestamp: 0 } }],
    ['allocateStrategy', { messageRequestMode: 'assigned', allocateStrategy: { name: 'CONFIG', allocate: () => [] } }],
    ['popInvisibleTimeMs', { popInvisibleTimeMs: 4_999 }],
    ['popBatchSize', { popBatchSize: 33 }],
    ['popThresholdForQueue', { popThresholdForQueue: 0 }],
    ['pullThresholdForQueue', { pullThresholdForQueue: 65_536 }],
    ['pullThresholdSizeForQueueMiB', { pullThresholdSizeForQueueMiB: 0 }],
    ['consumeConcurrentlyMaxSpan', { consumeConcurrentlyMaxSpan: -1 }],
    ['batchSize', { batchSize: 1_025 }],
    ['pullThresholdForTopic', { pullThresholdForTopic: 0 }],
    ['pullThresholdSizeForTopicMiB', { pullThresholdSizeForTopicMiB: 102_401 }],
    ['messagesPerSecond', { messagesPerSecond: 0 }],
    ['pullIntervalMs', { pullIntervalMs: Number.NaN }],
    ['pullTimeoutMs', { suspendTimeoutMs: 20_000, pullTimeoutMs: 20_000 }],
    ['from', { from: 'middle' }],
    ['from', { from: { timestamp: -1 } }],
    ['from', { from: null }],
    ['handlerRetry', { handlerRetry: 3 }],
    ['handlerRetry.initialDelayMs', { handlerRetry: { attempts: 1, initialDelayMs: 0 } }],
    ['handlerRetry.maxDelayMs', { handlerRetry: { attempts: 1, initialDelayMs: 500, maxDelayMs: 499 } }],
    ['handlerRetry.attempts', { handlerRetry: {} }],
    ['maxReconsumeTimes', { maxReconsumeTimes: -1 }],
    ['backOff', { backOff: '10s' }],
    ['undecodable', { undecodable: 'ignore' }],
    ['consumeTimeoutMs', { consumeTimeoutMs: 999 }],
    ['handlerRetry.times', { handlerRetry: { times: 3 } }],
    ['decompressedSizeBytesMax', { decompressedSizeBytesMax: 0 }],
    ['signal', { signal: new AbortController() }],
    ['concurency', { concurency: 3 }],
  ])('a wrong %s is refused by name', (option, wrong) => {
    const options = { group: 'g', subscribe: { t: '*' }, ...wrong } as ConsumerOptions;
    expect(() => resolveConsumerOptions(options)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option, message: expect.stringContaining(option) }),
    );
  });

  test('a group or topic that no broker would take is refused before anything is sent', () => {
    const client = fakeClient(new FakeBroker(), virtualClock());
    const refusal = (options: object): unknown => {
      try {
        return client.consumer(options as ConsumerOptions);
      } catch (error) {
        return error;
      }
    };
    expect(refusal({ group: 'a b', subscribe: { t: '*' } })).toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
    expect(refusal({ group: 'DEFAULT_CONSUMER', subscribe: { t: '*' } })).toMatchObject({ option: 'group' });
    expect(refusal({ group: 'g', subscribe: { 'a topic': '*' } })).toMatchObject({ code: 'RMQ_MESSAGE_ILLEGAL' });
    expect(refusal(undefined as never)).toMatchObject({ code: 'RMQ_OPTIONS_INVALID' });
  });
});

describe('subscriptions', () => {
  const orders = topic('orders', json<{ id: number }>());
  const parseSubscribe = (subscribe: Subscribe) => parseSubscribeOf(subscribe, 7);

  test('an object, an array, pairs and a Map say the same', () => {
    const expected = [
      { topic: 'orders', expression: 'created || paid', tags: new Set(['created', 'paid']) },
      { topic: 'audit', expression: '*', tags: new Set() },
    ];
    expect(parseSubscribe({ orders: 'created || paid', audit: '*' })).toMatchObject(expected);
    expect(parseSubscribe([['orders', 'created || paid'], 'audit'])).toMatchObject(expected);
    expect(parseSubscribe([[orders, 'created || paid'], 'audit'])).toMatchObject([
      { ...expected[0], decodable: orders },
      { ...expected[1], decodable: undefined },
    ]);
    expect(
      parseSubscribe(
        new Map([
          ['orders', 'created || paid'],
          ['audit', '*'],
        ]),
      ),
    ).toMatchObject(expected);
  });

  test('tags carry Java’s hashes, each once, and blanks around them do not count', () => {
    expect(parseSubscribe({ t: ' TagA||TagB || TagA ||' })).toMatchObject([
      { expression: ' TagA||TagB || TagA ||', tagCodes: [2598919, 2598920] },
    ]);
    expect(parseSubscribe({ t: '' })).toMatchObject([{ expression: '*', tagCodes: [] }]);
    expect(parseSubscribe({ t: ' * ' })).toMatchObject([{ expression: '*', tagCodes: [] }]);
  });

  test('an SQL92 expression is taken as it is, with the version of its subscription', () => {
    expect(parseSubscribe({ t: sql("a > 3 AND b = 'x || y'") })).toMatchObject([
      { expression: "a > 3 AND b = 'x || y'", expressionType: 'SQL92', tagCodes: [], subVersion: 7 },
    ]);
  });

  test.each<[string, unknown, string]>([
    ['an empty SQL92 expression', { t: sql(' ') }, 'RMQ_SUBSCRIPTION_INVALID'],
    ['nothing', {}, 'RMQ_OPTIONS_INVALID'],
    ['no object', 'orders', 'RMQ_OPTIONS_INVALID'],
    ['undefined', undefined, 'RMQ_OPTIONS_INVALID'],
    ['blanks only', { t: ' || ' }, 'RMQ_SUBSCRIPTION_INVALID'],
    ['a star among tags', { t: '* || a' }, 'RMQ_SUBSCRIPTION_INVALID'],
    ['a single bar', { t: 'a | b' }, 'RMQ_SUBSCRIPTION_INVALID'],
    ['a number', { t: 3 }, 'RMQ_SUBSCRIPTION_INVALID'],
    ['a topic twice', [orders, 'orders'], 'RMQ_SUBSCRIPTION_INVALID'],
    ['a topic that is none', [3], 'RMQ_SUBSCRIPTION_INVALID'],
    ['null', [null], 'RMQ_SUBSCRIPTION_INVALID'],
  ])('%s is refused', (_name, subscribe, code) => {
    expect(() => parseSubscribe(subscribe as Subscribe)).toThrow(expect.objectContaining({ code }));
  });
});

test('back-off doubles and stays within its bound', () => {
  expect([1, 2, 3, 6, 5_000].map((attempt) => backOffMs(attempt, 1_000, 30_000))).toEqual([
    1_000, 2_000, 4_000, 30_000, 30_000,
  ]);
});
