import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { decodeTopicRouteBody } from '../../core/remoting/protocol/topic-route-body.js';
import { tempDir } from '../kit/temp-dir.js';
import { waitFor } from '../kit/wait-for.js';
import { invoke, rawClient, runningServer, sendTo } from './kit/running.js';

test('two servers that register with each other: either name server knows both brokers, and goes on alone', async () => {
  const dir = tempDir();
  // The ports of a directory stay the same, so a server can be named before it starts.
  const before = await runningServer({ dir });
  const firstNameServer = before.nameServers;
  await before.close();
  const second = await runningServer({ brokerName: 'broker-b', registerWith: firstNameServer });
  const [secondNameServer = '', other] = second.nameServers.split(';');
  expect(other).toBe(firstNameServer);
  const first = await runningServer({ dir, registerWith: secondNameServer });
  expect(first.nameServers).toBe(`${firstNameServer};${secondNameServer}`);

  const client = rawClient();
  for (const { brokerAddress } of [first, second]) {
    expect((await sendTo(client, brokerAddress, { body: 'x' })).code).toBe(0);
  }
  const brokersAt = async (nameServer: string): Promise<string[]> => {
    const response = await invoke(client, nameServer, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: 'orders' });
    if (response.code !== 0) return [];
    return decodeTopicRouteBody(response.body).brokerDatas.map(({ brokerName }) => brokerName);
  };
  for (const nameServer of [firstNameServer, secondNameServer]) {
    await waitFor(async () => (await brokersAt(nameServer)).length === 2, { what: `both brokers at ${nameServer}` });
  }
  await first.close();
  expect(await brokersAt(secondNameServer)).toEqual(['broker-b']);
});
