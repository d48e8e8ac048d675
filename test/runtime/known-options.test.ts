import { describe, expect, test } from 'vitest';
import { connect } from '../../core/index.js';
import { closestName } from '../../core/runtime/closest-name.js';
import { embedded, startServer } from '../../core/server/index.js';
import { testKit } from '../../core/testing/index.js';

describe('the name that was meant', () => {
  test.each([
    ['nameserver', ['cluster', 'nameServers', 'addressServer'], 'nameServers'],
    ['timeout', ['timeoutMs', 'attemptTimeoutMs'], 'timeoutMs'],
    ['shardingkey', ['queue', 'selector', 'shardingKey'], 'shardingKey'],
    ['grup', ['group', 'retries'], 'group'],
    ['directory', ['host', 'dir'], 'dir'],
    ['topic', ['group', 'subscribe'], undefined],
    ['x', ['dir', 'tls'], undefined],
    ['anything', [], undefined],
  ])('by %s of %j is %s', (given, names, meant) => {
    expect(closestName(given, names)).toBe(meant);
  });
});

test('every door says which option there is not, and which was meant', async () => {
  const kit = await testKit();
  const mq = await kit.connect();
  const doors: [() => Promise<unknown>, string][] = [
    [() => connect({ nameServer: 'a:1' } as object), 'connect has no option nameServer; did you mean nameServers?'],
    [() => mq.producer({ grup: 'g' } as never), 'a producer has no option grup; did you mean group?'],
    [() => mq.consumer({ concurency: 2 } as never), 'a consumer has no option concurency; did you mean concurrency?'],
    [() => mq.consumer({ group: 'g', topic: 'orders' } as never), 'has no option topic; did you mean subscribe?'],
    [() => connect({ brokers: ['a:1'] } as object), 'connect has no option brokers; did you mean nameServers?'],
    [() => connect({ clientId: 'till-1' } as object), 'connect has no option clientId; did you mean instanceName?'],
    [() => startServer({ dir: 'd', port: 9876 } as never), 'a server has no option port; did you mean nameServerPort?'],
    [() => mq.producer({ topic: 'orders' } as never), 'a producer has no option topic; there are group, '],
    [() => mq.litePullConsumer({ pollTimeout: 2 } as never), 'did you mean pollTimeoutMs?'],
    [() => startServer({ directory: 'd' } as never), 'a server has no option directory; did you mean dir?'],
    [() => startServer({ dir: 'd', store: { flushDisk: 1 } as never }), 'did you mean flushDiskType?'],
    [() => testKit({ clock: 1 } as never), 'a test kit has no option clock; there are transport, now, running,'],
  ];
  doors.push(
    [() => connect({ cluster: embedded } as object), "such as embedded({ dir: './data' }), with start, got a function"],
    [
      () => connect('127.0.0.1:9876' as never),
      "connect takes options, such as { nameServers: '127.0.0.1:9876' }, not \"127",
    ],
    [() => startServer('./data' as never), 'a server takes options, such as { dir: \'./data\' }, not "./data"'],
  );
  for (const [open, words] of doors) {
    await expect(open()).rejects.toMatchObject({
      code: 'RMQ_OPTIONS_INVALID',
      message: expect.stringContaining(words),
    });
  }
  await kit.close();
});
