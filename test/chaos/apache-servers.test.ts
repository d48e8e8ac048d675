import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { apacheBroker, apacheNameServer } from '../interop/kit/apache.js';
import { APACHE_VERSIONS, ensureJars } from '../interop/kit/jars.js';
import { compileJava, type JavaRuntime } from '../interop/kit/java.js';
import { ensureToolchain } from '../interop/kit/toolchain.js';
import type { Member } from './kit/member.js';
import { rollingKills } from './kit/rolling-kills.js';

let home: string;
let java: JavaRuntime;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'multistage-chaos-apache-'));
  const say = (line: string) => console.log(`chaos: ${line}`);
  const toolchain = await ensureToolchain(say);
  java = await compileJava(toolchain, await ensureJars(toolchain, say), join(home, 'classes'));
}, 900_000);

afterAll(() => rm(home, { recursive: true, force: true }));

/** Our client on two name servers and two brokers of Apache, each a process of its own. */
test.each(APACHE_VERSIONS)(
  "Apache's servers %s, killed in turn: no send is late, nothing that was acknowledged is missing",
  async (version) => {
    const folder = join(home, version);
    const nameServers = [
      await apacheNameServer(java, folder, { version, name: 'namesrv-a' }),
      await apacheNameServer(java, folder, { version, name: 'namesrv-b' }),
    ];
    const members: Member[] = nameServers.map((server, index) => ({
      ...server,
      name: `name server ${index}`,
      nameServer: server.address,
    }));
    for (const brokerName of ['apache-a', 'apache-b']) {
      const addresses = nameServers.map(({ address }) => address);
      const broker = await apacheBroker(java, folder, addresses, {
        ...{ version, brokerName, store: join(folder, brokerName) },
        // The shortest that it takes: a name server that comes back is empty until then.
        brokerConfig: { registerNameServerPeriod: 10_000, autoCreateTopicEnable: false },
      });
      members.push({ ...broker, name: `broker ${brokerName}`, brokerName, brokerAddress: broker.address });
    }
    onTestFinished(async () => {
      for (const member of members) await member.kill();
    });
    for (const member of members) await member.start();
    const report = await rollingKills(members, [{ topic: 'chaos', brokerNames: ['apache-a', 'apache-b'] }]);
    expect(report.errorsMeanwhile / report.sent).toBeLessThan(0.01);
  },
);
