import { expect, test } from 'vitest';
import { decodeDelayOffsetTable } from '../../../core/remoting/protocol/delay-offset-table.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { delaySetup } from './delay-setup.js';

test('a message of a level is delivered when its delay has passed, and not before', async () => {
  const { send, server, clock, stored, client, address } = await delaySetup();
  await send('soon', { DELAY: '2' });
  await send('now');
  expect(await stored()).toEqual(['now']);
  await clock.advance(4_999);
  expect(await stored()).toEqual(['now']);
  await clock.advance(2);
  expect(await stored()).toEqual(['now', 'soon']);
  const answer = await client.invoke(address, { code: RequestCode.GET_ALL_DELAY_OFFSET }, { timeoutMs: 5_000 });
  expect([...decodeDelayOffsetTable(answer.body)]).toEqual([[2, 1]]);
  expect(server).toBeDefined();
});
