import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRecords } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { createRemotingClient } from '../../../core/remoting/client.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import type { SqlCase } from '../../server/filter/sql-cases.js';
import { SQL_MESSAGES } from '../../server/filter/sql-messages.js';
import { ANSWERED } from '../kit/patience.js';
import { waitFor } from '../kit/ports.js';
import type { Target } from '../kit/target.js';

const TOPIC = 'sql_filter_cases';
const UPDATE_BROKER_CONFIG = 25;

/** The table that our compiler is tested with, asked of a broker: a yardstick that nobody checks is none. */
export function sqlFilterContract(target: () => Target, cases: readonly SqlCase[]): void {
  describe('filters over properties', () => {
    let remoting: RemotingClient;
    const ask = (code: number, ext: ExtInput, body = ''): Promise<RemotingCommand> =>
      remoting.invoke(target().brokerAddress, { code, ext, body: Buffer.from(body) }, ANSWERED);
    const enable = (enabled: boolean) => ask(UPDATE_BROKER_CONFIG, {}, `enablePropertyFilter=${enabled}\n`);

    beforeAll(async () => {
      remoting = createRemotingClient({ transport: tcpTransport });
      await enable(true);
      for (const [name, properties] of Object.entries(SQL_MESSAGES)) {
        const i = encodeProperties(properties).toString();
        const ext = {
          a: 'PG',
          b: TOPIC,
          c: 'TBW102',
          d: 1,
          e: 0,
          f: 0,
          g: Date.now(),
          h: 0,
          i,
          j: 0,
          k: false,
          m: false,
        };
        expect((await ask(RequestCode.SEND_MESSAGE_V2, ext, name)).code).toBe(0);
      }
      await waitFor('the messages in their queue', async () => {
        const { ext } = await ask(RequestCode.GET_MAX_OFFSET, { topic: TOPIC, queueId: 0 });
        return Number(ext.offset) === Object.keys(SQL_MESSAGES).length;
      });
    });

    afterAll(async () => {
      await enable(false);
      await remoting.close();
    });

    const answerTo = async (expression: string): Promise<SqlCase> => {
      const shared = { topic: TOPIC, subVersion: 1, expressionType: 'SQL92' };
      const subscriptionData = { ...shared, subString: expression, classFilterMode: false, codeSet: [], tagsSet: [] };
      const body = JSON.stringify({ clientId: 'c', group: 'G', subscriptionData });
      const check = await ask(RequestCode.CHECK_CLIENT_CONFIG, {}, body);
      if (check.code !== 0) {
        const [, line, column] = /at line (\d+), column (\d+)/.exec(check.remark ?? '') ?? [];
        return line === undefined
          ? { expression }
          : { expression, place: { line: Number(line), column: Number(column) } };
      }
      const pulled = await ask(RequestCode.PULL_MESSAGE, {
        ...{ ...shared, consumerGroup: 'G', queueId: 0, queueOffset: 0, maxMsgNums: 32, sysFlag: 4 },
        ...{ commitOffset: 0, suspendTimeoutMillis: 0, subscription: expression },
      });
      expect([0, 20], `${expression}: ${pulled.remark}`).toContain(pulled.code);
      const records = pulled.code === 0 ? readRecords(pulled.body) : [];
      return { expression, matches: records.map((record) => record.body.toString()) };
    };

    test(`${cases.length} expressions are answered as the table says`, async () => {
      const answers: SqlCase[] = [];
      for (const { expression } of cases) answers.push(await answerTo(expression));
      expect(answers).toEqual(cases);
    });
  });
}
