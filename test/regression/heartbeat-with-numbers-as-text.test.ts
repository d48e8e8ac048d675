import { expect, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient, runningServer, sendTo } from '../server/kit/running.js';

/**
 * Apache's client for Go (2.1.2) writes the hashes of tags as strings into its heartbeats, and the one for C++ the version of
 * each subscription. Java's parser takes them as numbers; ours refused the heartbeat. Such consumers never became members
 * of their group and got nothing, silently: they rely on the heartbeat and send no tags with their pulls.
 */
test('a consumer whose heartbeat writes numbers as text gets what has these tags', async () => {
  const server = await runningServer();
  const client = rawClient();
  for (const tag of ['A', 'B', 'C', 'D', 'A']) await sendTo(client, server.brokerAddress, { body: `of ${tag}`, tag });

  const heartbeat = `{"clientID":"192.0.2.2@i25890","producerDataSet":[],"consumerDataSet":[{"groupName":"G","consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[{"classFilterMode":false,"topic":"orders","subString":"A || C","tagsSet":["A","C"],"codeSet":["65","67"],"subVersion":1795369077114182253,"expressionType":"TAG"},{"classFilterMode":false,"topic":"%RETRY%G","subString":"*","tagsSet":[],"codeSet":[],"subVersion":"1795369077114231519","expressionType":"TAG"}],"unitMode":false}]}`;
  expect(await invoke(client, server.brokerAddress, RequestCode.HEART_BEAT, {}, heartbeat)).toMatchObject({ code: 0 });

  const pulled = await invoke(client, server.brokerAddress, RequestCode.PULL_MESSAGE, {
    ...{ consumerGroup: 'G', topic: 'orders', queueId: 0, queueOffset: 0, maxMsgNums: 32, sysFlag: 2, commitOffset: 0 },
    ...{ suspendTimeoutMillis: 20_000, subscription: '', subVersion: 0, expressionType: 'TAG' },
  });
  expect(readRecords(pulled.body).map((record) => record.body.toString())).toEqual(['of A', 'of C', 'of A']);
});
