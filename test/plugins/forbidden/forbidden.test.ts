import { describe, expect, test } from 'vitest';
import { type Client, connect, isRocketMQError, type Plugin } from '../../../core/index.js';
import { pluginConformance } from '../../../core/testing/index.js';
import { type ForbiddenOptions, type ForbiddenRule, forbidden } from '../../../plugins/forbidden/index.js';
import { fakeBroker, fakeCluster } from '../../client/fake-cluster.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { waitFor } from '../../kit/wait-for.js';

async function setup(rules: readonly ForbiddenRule[], others: readonly Plugin[] = []) {
  const cluster = await fakeCluster();
  const plugins = [forbidden({ rules }), ...others];
  const mq: Client = closeAfterTest(await connect({ nameServers: cluster.nameServers, plugins }));
  const producer = await mq.producer({ group: 'g' });
  return { ...cluster, mq, producer };
}

test('what no rule forbids is sent', async () => {
  const { producer, broker } = await setup([
    { name: 'a', check: () => false },
    { name: 'b', at: 'send', check: () => undefined },
    { name: 'c', check: () => '' },
    { name: 'd', check: () => null },
    { name: 'e', check: async () => false },
    { name: 'f', at: 'send', check: async () => undefined },
  ]);
  await expect(producer.send({ topic: 'T', body: 'x' })).resolves.toMatchObject({ status: 'SEND_OK' });
  await producer.sendOneway({ topic: 'T', body: 'y' });
  await waitFor(() => broker.sends.length === 2);
});

test.each<[string, ForbiddenRule]>([
  ['a reason at once', { name: 'night', check: () => 'the shop is closed' }],
  ['a reason later', { name: 'night', check: async () => 'the shop is closed' }],
  ['a reason once per send', { name: 'night', at: 'send', check: () => 'the shop is closed' }],
  ['a reason later, once per send', { name: 'night', at: 'send', check: async () => 'the shop is closed' }],
])('%s forbids, naming plugin, rule and reason', async (_, rule) => {
  const { producer, broker } = await setup([{ name: 'fine', check: async () => false }, rule]);
  for (const send of [producer.send({ topic: 'T', body: 'x' }), producer.sendOneway({ topic: 'T', body: 'x' })]) {
    const error = await send.catch((reason: unknown) => reason);
    expect(isRocketMQError(error, 'RMQ_SEND_FORBIDDEN')).toBe(true);
    expect(error).toMatchObject({
      plugin: 'forbidden',
      rule: 'night',
      topic: 'T',
      retryable: false,
      message: 'Rule night of plugin forbidden forbids this send to topic T: the shop is closed',
    });
  }
  expect(broker.sends).toEqual([]);
});

test('an attempt rule knows group, topic, message, mode, queue, broker and attempt', async () => {
  const facts: unknown[] = [];
  const message = { topic: 'T', body: 'x', tag: 'a', properties: { user: '7' } };
  const { producer, broker } = await setup([{ name: 'look', check: (given) => void facts.push(given) }]);
  await producer.send(message);
  await producer.sendOneway(message);
  const expected = {
    group: 'g',
    topic: 'T',
    message,
    queue: { topic: 'T', brokerName: 'broker-a', queueId: 0 },
    broker: { name: 'broker-a', address: broker.address },
    attempt: 1,
  };
  expect(facts).toEqual([
    { ...expected, mode: 'send' },
    { ...expected, mode: 'oneway' },
  ]);
});

test('a send rule is asked before anybody is asked for a route', async () => {
  const facts: unknown[] = [];
  const { producer, nameServer } = await setup([
    { name: 'early', at: 'send', check: (given) => facts.push(given) > 0 },
  ]);
  const message = { topic: 'Unknown', body: 'x' };
  await expect(producer.send(message)).rejects.toMatchObject({
    code: 'RMQ_SEND_FORBIDDEN',
    message: 'Rule early of plugin forbidden forbids this send to topic Unknown',
  });
  expect(facts).toEqual([{ group: 'g', topic: 'Unknown', message, mode: 'send' }]);
  expect(nameServer.requests).toEqual([]);
});

test('an attempt rule is asked at every attempt, and what it forbids is final', async () => {
  const { producer, nameServer, broker, mq } = await setup([
    { name: 'first-only', check: ({ attempt, broker: { name } }) => attempt > 1 && `no second attempt on ${name}` },
  ]);
  const failing = await fakeBroker('broker-b');
  for (const one of [broker, failing]) one.behaviour.beforeSend = () => Promise.reject(new Error('disk on fire'));
  const [left, right] = [broker.route(), failing.route()];
  nameServer.routes.set('T', {
    queueDatas: [...left.queueDatas, ...right.queueDatas],
    brokerDatas: [...left.brokerDatas, ...right.brokerDatas],
  });
  await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toMatchObject({ code: 'RMQ_SEND_FORBIDDEN' });
  expect(broker.sends.length + failing.sends.length).toBe(1);
  expect(mq.state).toBe('running');
});

test.each<[string, ForbiddenRule['check']]>([
  [
    'throws',
    () => {
      throw new Error('no database');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no database'))],
  ['answers with what is no answer', () => 1 as unknown as boolean],
  ['promises what is no answer', async () => ({}) as unknown as boolean],
])('a rule that %s lets nothing through and is blamed on the plugin', async (_, check) => {
  const { producer, broker } = await setup([{ name: 'broken', check }]);
  await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toMatchObject({
    code: 'RMQ_PLUGIN_FAILED',
    plugin: 'forbidden',
  });
  expect(broker.sends).toEqual([]);
});

test('rules are asked in order until one forbids', async () => {
  const asked: string[] = [];
  const rule = (name: string, verdict: boolean | Promise<boolean>): ForbiddenRule => ({
    name,
    check: () => {
      asked.push(name);
      return verdict;
    },
  });
  const { producer } = await setup([
    rule('one', false),
    rule('two', Promise.resolve(false)),
    rule('three', false),
    rule('four', true),
    rule('five', true),
  ]);
  await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toMatchObject({ rule: 'four' });
  expect(asked).toEqual(['one', 'two', 'three', 'four']);
});

test.each([
  ['at once', (forbid: boolean) => forbid],
  ['later', async (forbid: boolean) => forbid],
] as const)('a rule that answers %s is asked about each message of a batch', async (_, answer) => {
  const asked: unknown[] = [];
  const { producer, broker } = await setup([
    { name: 'fine', at: 'send', check: ({ message }) => void asked.push(message.body) },
    { name: 'secret', check: ({ message }) => answer(message.tag === 'secret') },
  ]);
  const messages = ['a', 'b', 'c'].map((body) => ({ topic: 'T', body }));
  const error = await producer
    .sendBatch([...messages, { topic: 'T', body: 'd', tag: 'secret' }])
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: 'RMQ_BATCH_INCOMPLETE',
    sent: 'no',
    cause: { code: 'RMQ_SEND_FORBIDDEN', rule: 'secret' },
  });
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
  expect(broker.sends).toEqual([]);
  // The fake broker takes single messages only, but this batch reaches it.
  await expect(producer.sendBatch(messages)).rejects.toMatchObject({ cause: { responseCode: 3 } });
});

test('a rule that never answers is named when the send is out of time', async () => {
  const { producer, broker } = await setup([{ name: 'asleep', check: () => new Promise<boolean>(() => {}) }]);
  await expect(producer.send({ topic: 'T', body: 'x' }, { timeoutMs: 400 })).rejects.toMatchObject({
    code: 'RMQ_SEND_TIMEOUT',
    plugin: 'forbidden',
    sent: 'no',
  });
  expect(broker.sends).toEqual([]);
});

test('an answer that comes after the send was cancelled sends nothing', async () => {
  let allow = (): void => {};
  let asked = false;
  const answered = new Promise<boolean>((resolve) => {
    allow = () => resolve(false);
  });
  const { producer, broker } = await setup([
    {
      name: 'slow',
      check: () => {
        asked = true;
        return answered;
      },
    },
  ]);
  const abort = new AbortController();
  const sending = producer.send({ topic: 'T', body: 'x' }, { signal: abort.signal });
  await waitFor(() => asked);
  abort.abort();
  await expect(sending).rejects.toMatchObject({ code: 'RMQ_SEND_ABORTED', sent: 'no' });
  allow();
  await producer.close();
  expect(broker.sends).toEqual([]);
});

test('rules see what a plugin before it passed on', async () => {
  const masking: Plugin = {
    name: 'masking',
    setup: (host) =>
      host.interceptSend({
        before: 'check',
        create: () => (context, next) => next(context.with({ message: { ...context.message, body: '***' } })),
      }),
  };
  const bodies: unknown[] = [];
  const { producer } = await setup(
    [{ name: 'look', check: ({ message }) => void bodies.push(message.body) }],
    [masking],
  );
  await producer.send({ topic: 'T', body: 'secret' });
  expect(bodies).toEqual(['***']);
});

test('two instances live in one client under two names', async () => {
  const { nameServers } = await fakeCluster();
  const plugins = [
    forbidden({ rules: [{ name: 'r', check: () => false }] }),
    forbidden({ name: 'strict', rules: [{ name: 'r', check: () => true }] }),
  ];
  const mq = closeAfterTest(await connect({ nameServers, plugins }));
  const producer = await mq.producer({ group: 'g' });
  expect(producer.describe()).toMatch(/forbidden[\s\S]*strict/);
  await expect(producer.send({ topic: 'T', body: 'x' })).rejects.toMatchObject({ plugin: 'strict' });
});

test.each<[string, unknown]>([
  ['no options', undefined],
  ['no rules', {}],
  ['rules that are no array', { rules: {} }],
  ['a rule without a name', { rules: [{ check: () => true }] }],
  ['a rule without a check', { rules: [{ name: 'a' }] }],
  [
    'two rules of one name',
    {
      rules: [
        { name: 'a', check: () => true },
        { name: 'a', check: () => true },
      ],
    },
  ],
  ['a rule at another place', { rules: [{ name: 'a', at: 'night', check: () => true }] }],
])('%s is refused by the factory', (_, options) => {
  expect(() => forbidden(options as ForbiddenOptions)).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'rules' }),
  );
});

describe('a plugin that keeps the contract', () => {
  const make = () =>
    forbidden({
      rules: [
        { name: 'later', check: async () => false },
        { name: 'once', at: 'send', check: () => '' },
      ],
    });
  for (const check of pluginConformance(make)) test(check.name, check.run);
});
