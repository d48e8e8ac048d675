/**
 * A client may say Java's Long.MAX_VALUE where it means "to the end", as an offset too. Read as a double and written by its
 * digits it lay beyond every long: answers that Java could not read, and a table of offsets that no Apache broker opens.
 */
import { expect, test } from 'vitest';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { invoke, rawClient, runningServer, SMALL_STORE, sendTo } from '../server/kit/running.js';

test.each(['9223372036854775807', '-9223372036854775808'])(
  'an offset of %s is told and kept as it was said',
  async (offset) => {
    const volume = new FaultyVolume();
    const server = await runningServer({ dir: '/data', store: { ...SMALL_STORE, files: volume } });
    const { brokerAddress } = server;
    for (const encoding of ['json', 'rocketmq'] as const) {
      const client = rawClient(undefined, encoding);
      await sendTo(client, brokerAddress);
      const queue = { consumerGroup: 'G', topic: 'orders', queueId: 0 };
      await invoke(client, brokerAddress, RequestCode.UPDATE_CONSUMER_OFFSET, { ...queue, commitOffset: offset });
      const all = await invoke(client, brokerAddress, RequestCode.GET_ALL_CONSUMER_OFFSET);
      expect(all.body.toString()).toContain(`{"0":${offset}}`);
      if (Number(offset) < 0) continue;
      const answer = await invoke(client, brokerAddress, RequestCode.QUERY_CONSUMER_OFFSET, queue);
      expect(answer.ext.offset).toBe(offset);
    }
    await server.close();
    const file = volume.open('/data/config/consumerOffset.json');
    const bytes = Buffer.alloc(file.sizeBytes);
    file.readSync(bytes, 0);
    expect(bytes.toString()).toContain(`"0":${offset}\n`);
  },
);
