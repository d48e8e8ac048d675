/**
 * Two operators created a topic each in the same moment. Each was registered alone, at a version of the table that held both:
 * the name server knew that version from the first, and passed over the second. Nobody found that topic before the next
 * change; a producer took the route of TBW102 in its place and was refused by the broker.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { invoke, rawClient, runningServer } from '../server/kit/running.js';

test('topics that are created side by side all have a route when that is answered', async () => {
  const { brokerAddress, nameServers } = await runningServer();
  const client = rawClient();
  const topics = Array.from({ length: 5 }, (_, number) => `topic-${number}`);
  const settings = { defaultTopic: 'TBW102', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 };
  const create = async (topic: string) => {
    const ext = { ...settings, topic, topicFilterType: 'SINGLE_TAG', order: false };
    expect(await invoke(client, brokerAddress, RequestCode.UPDATE_AND_CREATE_TOPIC, ext)).toMatchObject({ code: 0 });
    const route = await invoke(client, nameServers, RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic });
    expect(route, topic).toMatchObject({ code: 0 });
  };
  await Promise.all(topics.map(create));
});
