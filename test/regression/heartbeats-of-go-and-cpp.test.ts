import { expect, test } from 'vitest';
import { readRecords } from '../../core/message/message-record.js';
import { decodeConsumerConnections } from '../../core/remoting/protocol/client-connections.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient, runningServer, sendTo } from '../server/kit/running.js';

/**
 * Apache's client for Go (2.1.2) writes the hashes of tags as strings into its heartbeats. The one for C++, which Python's and
 * others are built on, writes the versions of subscriptions as strings, and enums as numbers. Java's parser takes all of
 * that; ours refused such heartbeats. Go's consumers with a tag, and C++'s all, never became members of their group and
 * got nothing, silently. Both bodies are as recorded from these clients.
 */

const HEARTBEAT_OF_GO =
  '{"clientID":"192.0.2.2@i25890","producerDataSet":[],"consumerDataSet":[{"groupName":"G","consumeType":"CONSUME_PASSIVELY",' +
  '"messageModel":"CLUSTERING","consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","subscriptionDataSet":[{"classFilterMode":false,' +
  '"topic":"orders","subString":"A || C","tagsSet":["A","C"],"codeSet":["65","67"],"subVersion":1795369077114182253,' +
  '"expressionType":"TAG"},{"classFilterMode":false,"topic":"%RETRY%G","subString":"*","tagsSet":[],"codeSet":[],' +
  '"subVersion":1795369077114231519,"expressionType":"TAG"}],"unitMode":false}]}';

const HEARTBEAT_OF_CPP =
  '{"clientID":"5644-127.0.0.1@i1795371102379880","consumerDataSet":[{"consumeFromWhere":0,"consumeType":1,"groupName":"G",' +
  '"messageModel":1,"subscriptionDataSet":[{"subString":"*","subVersion":"1795371102391","topic":"%RETRY%G"},' +
  '{"subString":"*","subVersion":"1795371102391","topic":"orders"}]}]}\n';

async function setup() {
  const { brokerAddress } = await runningServer();
  const client = rawClient();
  return { client, brokerAddress };
}

test('a consumer of Go gets the tags of its heartbeat, as its pulls name none', async () => {
  const { client, brokerAddress } = await setup();
  for (const tag of ['A', 'B', 'C', 'D', 'A']) await sendTo(client, brokerAddress, { body: `of ${tag}`, tag });

  expect(await invoke(client, brokerAddress, RequestCode.HEART_BEAT, {}, HEARTBEAT_OF_GO)).toMatchObject({ code: 0 });
  const pulled = await invoke(client, brokerAddress, RequestCode.PULL_MESSAGE, {
    ...{ consumerGroup: 'G', topic: 'orders', queueId: 0, queueOffset: 0, maxMsgNums: 32, sysFlag: 2, commitOffset: 0 },
    ...{ suspendTimeoutMillis: 20_000, subscription: '', subVersion: 0, expressionType: 'TAG' },
  });
  expect(readRecords(pulled.body).map((record) => record.body.toString())).toEqual(['of A', 'of C', 'of A']);
});

test('a consumer of C++ is a member of its group, with what its numbers stand for', async () => {
  const { client, brokerAddress } = await setup();

  expect(await invoke(client, brokerAddress, RequestCode.HEART_BEAT, {}, HEARTBEAT_OF_CPP)).toMatchObject({ code: 0 });
  const asked = await invoke(client, brokerAddress, RequestCode.GET_CONSUMER_CONNECTION_LIST, { consumerGroup: 'G' });
  expect(decodeConsumerConnections(asked.body)).toMatchObject({
    connectionSet: [{ clientId: '5644-127.0.0.1@i1795371102379880' }],
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
  });
});
