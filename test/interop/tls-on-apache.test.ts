import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { connect, type TlsOptions } from '../../core/index.js';
import { type ServerTlsOptions, startServer } from '../../core/server/index.js';
import { ca, certificate } from '../kit/tls-material.js';
import { waitFor } from '../kit/wait-for.js';
import { startApache } from './kit/apache.js';
import { drive } from './kit/java.js';
import { ANSWERED, PATIENT } from './kit/patience.js';
import { describeOutcome } from './kit/processes.js';
import type { Target } from './kit/target.js';

const file = (name: string): string => fileURLToPath(new URL(`../kit/tls/${name}.pem`, import.meta.url));

/** Sends a few messages with our client and reads them back; rejects as the first send does. */
async function roundTrip(target: Target, tls: boolean | TlsOptions, topic: string): Promise<readonly string[]> {
  const mq = await connect({ ...PATIENT, nameServers: target.nameServer, tls });
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: `${topic}_producer`, ...ANSWERED });
  const bodies = ['small', 'x'.repeat(3_000), 'y'.repeat(200_000)];
  for (const body of bodies) await producer.send({ topic, body });
  const consumer = await mq.consumer({ group: `${topic}_consumer`, subscribe: { [topic]: '*' }, from: 'first' });
  const received: string[] = [];
  await consumer.run((message) => void received.push(message.body.toString()));
  await waitFor(() => received.length >= bodies.length, { what: 'the messages', ...ANSWERED });
  expect(received.sort()).toEqual(bodies.sort());
  return received;
}

describe("our client on Apache's servers as they come, with certificates that they sign themselves", () => {
  test('speaks TLS and plain to the same ports', async () => {
    const apache = inject('apache');
    await roundTrip(apache, { rejectUnauthorized: false }, 'tls_unchecked');
    await roundTrip(apache, false, 'tls_beside_plain');
  });

  test('refuses them unless it is told to trust them', async () => {
    await expect(roundTrip(inject('apache'), true, 'tls_refused')).rejects.toMatchObject({
      code: 'RMQ_NAME_SERVER_UNREACHABLE',
      hint: expect.stringMatching(/^TLS: give tls\.ca/),
      cause: { code: 'RMQ_CONNECT_FAILED' },
    });
  });
});

test("our client and Apache's servers show each other certificates of one authority", async () => {
  const home = await mkdtemp(join(tmpdir(), 'multistage-tls-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const apache = await startApache(inject('java'), home, {
    systemProperties: [
      'tls.test.mode.enable=false',
      `tls.server.certPath=${file('server')}`,
      `tls.server.keyPath=${file('server.key')}`,
      'tls.server.need.client.auth=require',
      'tls.server.authClient=true',
      `tls.server.trustCertPath=${file('ca')}`,
    ],
  });
  onTestFinished(() => apache.kill());
  await roundTrip(apache, { ca, ...certificate('client') }, 'tls_mutual');
  for (const tls of [{ ca }, { ca, ...certificate('other-client') }]) {
    await expect(roundTrip(apache, tls, 'tls_mutual')).rejects.toMatchObject({
      code: 'RMQ_NAME_SERVER_UNREACHABLE',
      hint: expect.stringContaining('client certificate'),
    });
  }
  await roundTrip(apache, false, 'tls_mutual_beside_plain');
});

describe("Apache's Java client on our server that takes TLS only", () => {
  async function ours(tls: ServerTlsOptions): Promise<string> {
    const ports = { nameServerPort: 0, brokerPort: 0 };
    const server = await startServer({ store: 'memory', ...ports, tls: { ...tls, mode: 'enforcing' } });
    onTestFinished(() => server.close());
    return server.nameServers;
  }

  async function holds(nameServer: string, scenario: string, systemProperties: readonly string[]): Promise<void> {
    const outcome = await drive(inject('java'), nameServer, scenario, [`tls_${scenario}`], { systemProperties });
    expect(outcome.exitCode, describeOutcome(scenario, outcome)).toBe(0);
    expect(outcome.stdout).toMatch(/^ok /m);
  }

  test.each(['sync', 'large', 'tags'])('scenario %s holds', async (scenario) => {
    await holds(await ours(certificate('server')), scenario, ['tls.enable=true']);
  });

  test('with certificates on both sides', async () => {
    await holds(await ours({ ...certificate('server'), ca, requestCert: true }), 'sync', [
      'tls.enable=true',
      'tls.test.mode.enable=false',
      'tls.client.authServer=true',
      `tls.client.trustCertPath=${file('ca')}`,
      `tls.client.certPath=${file('client')}`,
      `tls.client.keyPath=${file('client.key')}`,
    ]);
  });

  test('without TLS does not get in', async () => {
    const outcome = await drive(inject('java'), await ours(certificate('server')), 'sync', ['tls_plain']);
    expect(outcome.exitCode).not.toBe(0);
  });
});
