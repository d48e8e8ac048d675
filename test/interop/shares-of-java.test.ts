import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { groups, STRATEGIES } from '../consumer/allocation/groups.js';
import { shares } from './kit/java.js';
import { describeOutcome } from './kit/processes.js';

/** Members of ours and of Java may form one group only if both come to the same shares. */
test('every strategy shares out as Java does, for any group', async () => {
  const cases = fc
    .sample(groups, { numRuns: 300, seed: 20_261_122 })
    .filter(({ queues }) => queues.length > 0)
    .flatMap((group) => STRATEGIES.map((strategy) => ({ ...group, strategy })));
  const input = cases.map(({ strategy, queues, clientIds }) => {
    const listed = queues.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`).join(',');
    return `${strategy.name} ${listed} ${clientIds.join(',')}`;
  });
  const outcome = await shares(inject('java'), `${input.join('\n')}\n`);
  expect(outcome.exitCode, describeOutcome('Shares', outcome)).toBe(0);
  const answers = outcome.stdout.trimEnd().split('\n');
  expect(answers).toHaveLength(cases.length);
  cases.forEach(({ strategy, queues, clientIds }, at) => {
    const ours = clientIds.map((id) =>
      strategy
        .allocate('g', id, queues, clientIds)
        .map(({ brokerName, queueId }) => `${brokerName}:${queueId}`)
        .join(','),
    );
    expect(ours.join(' '), input[at]).toBe(answers[at]);
  });
});
