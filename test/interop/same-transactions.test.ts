/** One transaction after the other on Apache's broker 4.9.7 and on ours: answers, questions and what is stored, side by side. */

import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { readRecords, type StoredRecord } from '../../core/message/message-record.js';
import { decodeProperties } from '../../core/message/properties.js';
import { createRemotingClient } from '../../core/remoting/client.js';
import { encodeHeartbeatData } from '../../core/remoting/protocol/heartbeat-data.js';
import type { ExtInput, RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import { waitFor } from '../kit/wait-for.js';
import { pullFrom } from '../server/kit/running.js';
import { startOurServer } from './kit/our-server.js';
import { ANSWERED, EVENTUALLY } from './kit/patience.js';
import type { Target } from './kit/target.js';

const TOPIC = 'same_transactions';
const GROUP = 'same_payers';
const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
const OPS = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';

let ours: Awaited<ReturnType<typeof startOurServer>>;
let remoting: RemotingClient;
const questions: RemotingCommand[] = [];

beforeAll(async () => {
  ours = await startOurServer();
  remoting = createRemotingClient({ transport: tcpTransport });
  remoting.handle(RequestCode.CHECK_TRANSACTION_STATE, (request) => {
    questions.push(request);
    return undefined;
  });
});

afterAll(async () => {
  await remoting.close();
  await ours.close();
});

test('a half message, the ends of transactions, good and bad, and the question about one without are the same', async () => {
  const [expected, actual] = [await transactionsOn(inject('apache')), await transactionsOn(ours)];
  expect(actual).toEqual(expected);
});

/** Everything that can be seen of a few transactions, places and times apart. */
async function transactionsOn({ brokerAddress, clusterName }: Target) {
  const invoke = (code: number, ext: ExtInput, body: string | Uint8Array = '') =>
    remoting.invoke(brokerAddress, { code, ext, body: Buffer.from(body as string) }, ANSWERED);
  const read = async (topic: string, queueId: number, offset: number): Promise<StoredRecord> => {
    return waitFor(async () => {
      const { code, body } = await pullFrom(remoting, brokerAddress, { topic, queueId, offset, group: 'same_readers' });
      return code === 0 ? readRecords(body)[0] : undefined;
    }, EVENTUALLY);
  };
  const shown = ({ topic, queueId, flag, sysFlag, reconsumeTimes, body, properties }: StoredRecord) => {
    const { CLUSTER, TRAN_PREPARED_QUEUE_OFFSET: _, ...rest } = decodeProperties(properties);
    const cluster = CLUSTER === undefined ? 'none' : CLUSTER === clusterName;
    return { topic, queueId, flag, sysFlag, reconsumeTimes, body: `${body}`, properties: { ...rest }, cluster };
  };
  const half = async (id: string) => {
    const answer = await invoke(
      RequestCode.SEND_MESSAGE_V2,
      {
        a: GROUP,
        b: TOPIC,
        c: 'TBW102',
        d: 4,
        e: 2,
        f: 4,
        g: Date.now(),
        h: 5,
        i: `UNIQ_KEY\u0001${id}\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002TRAN_MSG\u0001true\u0002PGROUP\u0001${GROUP}`,
        j: 0,
        k: false,
        m: false,
      },
      id,
    );
    expect(answer.code, answer.remark).toBe(0);
    const { msgId = '', queueOffset = '' } = answer.ext;
    return { answer, commitLogOffset: Number(`0x${msgId.slice(-16)}`), tranStateTableOffset: Number(queueOffset) };
  };
  type Half = Awaited<ReturnType<typeof half>>;
  const end = async ({ commitLogOffset, tranStateTableOffset }: Half, change: ExtInput) => {
    const header = { producerGroup: GROUP, commitLogOffset, tranStateTableOffset, msgId: 'id', ...change };
    const { code, remark } = await invoke(RequestCode.END_TRANSACTION, { commitOrRollback: 8, ...header });
    return { code, remark };
  };

  const client = { clientID: 'same@1', consumerDataSet: [], producerDataSet: [{ groupName: GROUP }] };
  await invoke(RequestCode.HEART_BEAT, {}, encodeHeartbeatData(client));
  const first = await half('first');
  const fields = Object.keys(first.answer.ext).sort();
  const { queueId } = first.answer.ext;
  const stored = shown(await read(HALF, 0, first.tranStateTableOffset));
  const refused = [
    await end(first, { producerGroup: 'others' }),
    await end(first, { tranStateTableOffset: first.tranStateTableOffset + 1 }),
    await end(first, { commitLogOffset: first.commitLogOffset + 1 }),
  ];
  const committed = await end(first, {});
  const delivered = await read(TOPIC, 2, 0);
  // Apache knows no topic of that name, so nobody can pull it. Between the two a check of Apache's may write a copy.
  let offset = delivered.physicalOffset + delivered.totalSize;
  const op = await waitFor(async () => {
    const { code, body } = await invoke(RequestCode.VIEW_MESSAGE_BY_ID, { offset });
    const [record] = code === 0 ? readRecords(body) : [];
    offset += record?.totalSize ?? 0;
    return record?.topic === OPS ? record : undefined;
  }, EVENTUALLY);

  questions.length = 0;
  await half('second');
  const question = await waitFor(() => questions.find(({ ext }) => ext.msgId === 'second'), EVENTUALLY);
  const [asked] = readRecords(question.body) as [StoredRecord];
  const copy = await read(HALF, 0, Number(question.ext.tranStateTableOffset));
  const answered = await end(
    {
      answer: question,
      commitLogOffset: Number(question.ext.commitLogOffset),
      tranStateTableOffset: Number(question.ext.tranStateTableOffset),
    },
    { commitOrRollback: 12, fromTransactionCheck: true },
  );
  return {
    fields,
    queueId,
    stored,
    refused,
    committed,
    delivered: { ...shown(delivered), ofHalf: delivered.preparedTransactionOffset === first.commitLogOffset },
    op: { ...shown(op), body: `${op.body}` === `${first.tranStateTableOffset}` },
    question: {
      fields: Object.keys(question.ext).sort(),
      message: shown(asked),
      isAtCopy: [asked.queueOffset === copy.queueOffset, asked.physicalOffset === copy.physicalOffset],
      placeIsCopys: Number(question.ext.commitLogOffset) === copy.physicalOffset,
      id: question.ext.transactionId,
    },
    // Apache forgets the user's flag in a copy.
    copy: { ...shown(copy), flag: 'its own' },
    answered,
  };
}
