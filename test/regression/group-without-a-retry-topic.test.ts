/**
 * A group whose name has characters that no topic may have could pull, but its retry topic could not be: what its consumers
 * sent back was refused, and what they popped and did not acknowledge was dropped. Clients refuse such names; brokers of 5.x
 * do, and ours does too.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient, runningServer } from '../server/kit/running.js';

test('a group whose retries could be stored nowhere is not made by its use', async () => {
  const { brokerAddress } = await runningServer();
  const client = rawClient();
  for (const consumerGroup of ['a b', '', 'x'.repeat(256), '../up']) {
    const ext = {
      ...{ consumerGroup, topic: 'TBW102', queueId: 0, queueOffset: 0, maxMsgNums: 1, sysFlag: 4, commitOffset: 0 },
      ...{ suspendTimeoutMillis: 0, subscription: '*', subVersion: 0, expressionType: 'TAG' },
    };
    expect(await invoke(client, brokerAddress, RequestCode.PULL_MESSAGE, ext)).toMatchObject({ code: 26 });
  }
});
