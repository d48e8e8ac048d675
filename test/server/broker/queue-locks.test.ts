import { describe, expect, test } from 'vitest';
import { decodeLockBatchResponse, encodeLockBatchRequest } from '../../../core/remoting/protocol/lock-batch.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { QueueLocks } from '../../../core/server/broker/groups/queue-locks.js';
import { invoke, rawClient, runningServer } from '../kit/running.js';

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'b', queueId });

describe('locks of queues', () => {
  test('are the first client’s of a group until it gives them back', () => {
    const locks = new QueueLocks();
    expect(locks.lock('G', [queue(0), queue(1)], 'one', 0)).toEqual([queue(0), queue(1)]);
    expect(locks.lock('G', [queue(1), queue(2)], 'two', 10)).toEqual([queue(2)]);
    expect(locks.lock('other', [queue(1)], 'two', 10)).toEqual([queue(1)]);
    locks.unlock('G', [queue(1)], 'two');
    expect(locks.lock('G', [queue(1)], 'two', 20)).toEqual([]);
    locks.unlock('G', [queue(1)], 'one');
    expect(locks.lock('G', [queue(1)], 'two', 30)).toEqual([queue(1)]);
  });

  test('are anybody’s when they were not renewed for a minute', () => {
    const locks = new QueueLocks();
    locks.lock('G', [queue(0)], 'one', 0);
    expect(locks.lock('G', [queue(0)], 'two', 60_000)).toEqual([]);
    locks.lock('G', [queue(0)], 'one', 60_000);
    expect(locks.lock('G', [queue(0)], 'two', 120_000)).toEqual([]);
    expect(locks.lock('G', [queue(0)], 'two', 120_001)).toEqual([queue(0)]);
    expect(locks.lock('G', [queue(0)], 'one', 120_002)).toEqual([]);
  });

  test('of a group are forgotten when the last was given back or expired', () => {
    const locks = new QueueLocks();
    locks.lock('G', [queue(0), queue(1)], 'one', 0);
    locks.unlock('G', [queue(0)], 'one');
    expect(locks.size).toBe(1);
    locks.unlock('G', [queue(1)], 'one');
    expect(locks.size).toBe(0);
    locks.lock('G', [queue(0)], 'one', 0);
    locks.expire(60_000);
    expect(locks.size).toBe(1);
    locks.expire(60_001);
    expect(locks.size).toBe(0);
  });
});

test('a broker locks queues for one client at a time', async () => {
  const { brokerAddress } = await runningServer();
  const client = rawClient();
  const ask = async (code: number, clientId: string, ...mqSet: ReturnType<typeof queue>[]) => {
    const body = encodeLockBatchRequest({ consumerGroup: 'G', clientId, mqSet });
    const answer = await invoke(client, brokerAddress, code, {}, body);
    expect(answer.code).toBe(0);
    return code === RequestCode.LOCK_BATCH_MQ ? decodeLockBatchResponse(answer.body) : [];
  };
  expect(await ask(RequestCode.LOCK_BATCH_MQ, 'one', queue(0), queue(1))).toEqual([queue(0), queue(1)]);
  expect(await ask(RequestCode.LOCK_BATCH_MQ, 'two', queue(1))).toEqual([]);
  await ask(RequestCode.UNLOCK_BATCH_MQ, 'one', queue(1));
  expect(await ask(RequestCode.LOCK_BATCH_MQ, 'two', queue(0), queue(1))).toEqual([queue(1)]);
});
