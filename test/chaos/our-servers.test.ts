import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freeNeighbourPorts } from '../interop/kit/ports.js';
import { ourMember } from './kit/our-member.js';
import { rollingKills } from './kit/rolling-kills.js';

/**
 * Two servers that register with each other, each a name server and a broker in one process, and two brokers that
 * register with both: of one topic a kill takes a broker with a name server, of the other one of the two alone.
 */
test('our servers, killed in turn: no send is late, nothing that was acknowledged is missing', async () => {
  const home = await mkdtemp(join(tmpdir(), 'multistage-chaos-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const first = await freeNeighbourPorts(6);
  const [nameServerA, nameServerB] = [`127.0.0.1:${first}`, `127.0.0.1:${first + 1}`];
  const server = (name: string, brokerPort: number, others: readonly string[], nameServerPort?: number) =>
    ourMember({
      ...{ dir: join(home, name), brokerName: name, brokerPort, others },
      ...(nameServerPort !== undefined && { nameServerPort }),
    });
  const members = [
    server('together-a', first + 2, [nameServerB], first),
    server('together-b', first + 3, [nameServerA], first + 1),
    server('apart-a', first + 4, [nameServerA, nameServerB]),
    server('apart-b', first + 5, [nameServerA, nameServerB]),
  ];
  onTestFinished(async () => {
    for (const member of members) await member.kill();
  });
  for (const member of members) await member.start();
  const report = await rollingKills(members, [
    { topic: 'chaos_together', brokerNames: ['together-a', 'together-b'] },
    { topic: 'chaos_apart', brokerNames: ['apart-a', 'apart-b'] },
  ]);
  // One broker of two is there at any time: attempts that fail go to it.
  expect(report.errorsMeanwhile / report.sent).toBeLessThan(0.01);
});
