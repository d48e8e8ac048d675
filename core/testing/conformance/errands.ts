import assert from 'node:assert/strict';
import type { ReceivedMessage } from '../../message/message.js';
import { parseOffsetMsgId } from '../../message/message-ids.js';
import { PropertyName } from '../../message/property-names.js';
import type { EndTransactionContext, LocalTransactionState } from '../../plugin/end-transaction.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { Trial } from './trial.js';

/** What passes neither sends nor deliveries, set off once: what comes back from a request, from a look-up, and of transactions. */

/** A request to a consumer of the same client, and its reply. */
export async function requestReply({ mq, producer, message }: Trial): Promise<ReceivedMessage> {
  const consumer = await mq.consumer({
    group: 'conformance-replier',
    subscribe: { [message.topic]: '*' },
    from: 'first',
  });
  // What was sent before is there too, and asks for no reply.
  await consumer.run(async (received) => {
    if (received.properties[PropertyName.CORRELATION_ID] !== undefined) await received.reply('a reply for a plugin');
  });
  const reply = await producer.request(message);
  await consumer.close();
  return reply;
}

/** A message that is sent, and read by a plugin of the same client. */
export async function readBack({ probes: { host }, producer, message }: Trial): Promise<readonly ReceivedMessage[]> {
  const { offsetMsgId, queue } = await producer.send(message);
  const { offset } = parseOffsetMsgId(offsetMsgId ?? '');
  const request = { code: RequestCode.VIEW_MESSAGE_BY_ID, ext: { offset: String(offset) } };
  const answer = await host.invoke({ brokerName: queue.brokerName }, request);
  assert.equal(answer.code, ResponseCode.SUCCESS, `the broker cannot find a message that was sent: ${answer.remark}`);
  return host.readMessages(Buffer.from(answer.body ?? []), queue.brokerName);
}

/** Says of transactions that they end, in all the ways there are. */
export function endTransactions({ probes: { host }, message: { topic } }: Trial): void {
  for (const transactionState of ['commit', 'rollback', 'unknown'] satisfies LocalTransactionState[]) {
    for (const fromTransactionCheck of [false, true]) {
      const context: EndTransactionContext = {
        producerGroup: 'conformance-producer',
        message: Object.freeze({ topic, tag: 'tag', keys: Object.freeze(['key']) }),
        msgId: '7F0000010001000000000000000000AA',
        transactionId: '7F0000010001000000000000000000AA',
        // Brokers of 4.9 that ask do not say their name.
        brokerName: fromTransactionCheck ? undefined : 'broker-a',
        brokerAddress: '127.0.0.1:10911',
        regionId: 'DefaultRegion',
        transactionState,
        fromTransactionCheck,
      };
      host.reportEndTransaction(Object.freeze(context));
    }
  }
}
