/**
 * A pop takes at least one message of each queue that it looks at, whatever its size: of several queues with large messages
 * the answer became longer than any client reads. The connection was closed, the messages stayed away until they were
 * brought back, and the next pop had the same fate.
 */
import { expect, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient, runningServer, SMALL_STORE, sendTo } from '../server/kit/running.js';

const MIB = 1024 * 1024;

test('large messages of several queues are popped in answers that a client can read', async () => {
  const store = { ...SMALL_STORE, mappedFileSizeCommitLog: 64 * MIB };
  const { brokerAddress } = await runningServer({ store });
  const client = rawClient();
  const body = 'x'.repeat(4 * MIB);
  for (let queueId = 0; queueId < 4; queueId++) await sendTo(client, brokerAddress, { queueId, body });
  const popped: number[] = [];
  while (popped.length < 4) {
    const ext = {
      ...{ consumerGroup: 'G', topic: 'orders', queueId: -1, maxMsgNums: 32, invisibleTime: 60_000, pollTime: 0 },
      ...{ bornTime: Date.now(), initMode: 0 },
    };
    const answer = await invoke(client, brokerAddress, RequestCode.POP_MESSAGE, ext);
    expect(answer.code).toBe(0);
    popped.push(...readRecords(answer.body).map(({ queueId }) => queueId));
  }
  expect(popped.sort()).toEqual([0, 1, 2, 3]);
});
