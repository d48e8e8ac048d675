import { expect, test } from 'vitest';
import { describeTrace } from '../../../core/index.js';
import { tracing } from '../../../plugins/tracing/index.js';
import { transaction } from '../../../plugins/transaction/index.js';
import { waitFor } from '../../kit/wait-for.js';
import { tracedCluster } from './trace-reader.js';

test('a transaction leaves a half message and its end, under one id', async () => {
  const { open } = await tracedCluster({ transactionCheckInterval: 100, transactionTimeOut: 100 });
  const [traces, transactions] = [tracing(), transaction()];
  const mq = await open(traces, transactions);
  const producer = await mq.plugin(transactions).producer<'rollback' | 'unknown'>({
    group: 'payers',
    execute: (_half, state) => state,
    check: () => 'commit',
  });
  const message = { topic: 'orders', body: 'order 42', tag: 'paid', keys: ['42'] };
  const rolledBack = await producer.send(message, 'rollback');
  const asked = await producer.send(message, 'unknown');
  // A slow machine is asked more often than once, and about what it is just rolling back.
  await waitFor(() => mq.plugin(traces).traced >= 5, { what: 'the end that a check finds out' });
  await mq.plugin(traces).flush();
  const traceOf = (msgId: string, ends: number) =>
    waitFor(async () => {
      const trace = await mq.admin.trace(msgId);
      return trace.sends.length === 1 && trace.transactionEnds.length >= ends ? trace : undefined;
    });

  const common = { group: 'payers', topic: 'orders', tag: 'paid', transactionId: rolledBack.msgId };
  const trace = await traceOf(rolledBack.msgId, 1);
  expect(trace.sends).toMatchObject([{ messageType: 'Trans_Msg_Half', success: true }]);
  expect(trace.transactionEnds.slice(0, 1)).toMatchObject([
    { ...common, transactionState: 'rollback', fromTransactionCheck: false, storeHost: expect.stringMatching(/:\d+$/) },
  ]);
  const { transactionEnds } = await traceOf(asked.msgId, 2);
  expect(transactionEnds.slice(0, 2).map((end) => [end.transactionState, end.fromTransactionCheck])).toEqual([
    ['unknown', false],
    ['commit', true],
  ]);
  expect(describeTrace(trace)).toMatch(/, Trans_Msg_Half\n.*rollback by payers at 127/);
});
