/**
 * Requests of every code with fields and bodies that nobody should send, made up from a seed; more of them:
 * `MALFORMED_SEED=7 MALFORMED_EACH=200 npx vitest run test/server/malformed-requests.test.ts`.
 */
import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import type { RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import type { RequestProcessor } from '../../core/remoting/remoting-server.js';
import type { Logger } from '../../core/runtime/logger.js';
import { BROKER_REQUESTS, NAME_SERVER_REQUESTS } from '../../core/server/request-tables.js';
import { type OpenServer, runServer } from '../../core/server/run-server.js';
import { resolveServerOptions } from '../../core/server/server-options.js';
import { FaultyVolume } from '../fault/faulty-volume.js';
import { Random } from '../fault/random.js';
import { closeAfterTest } from '../kit/close-after-test.js';
import { waitFor } from '../kit/wait-for.js';
import { GOOD_BODIES, GOOD_FIELDS, mutantBodyOf, mutantOf } from './kit/mutants.js';
import { invoke, pullFrom, rawClient, SMALL_STORE, sendTo } from './kit/running.js';

const SEED = Number(process.env.MALFORMED_SEED ?? 20_261_122);
const MUTANTS_EACH = Number(process.env.MALFORMED_EACH ?? 20);
const ANSWER_MS = 30_000;
/** Of these some are held for as long as they wish, or end nothing and are never answered, as Apache's. */
const UNANSWERED_MS = 200;
const UNANSWERED: ReadonlySet<number> = new Set([
  ...[RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE, RequestCode.POP_MESSAGE, RequestCode.NOTIFICATION],
  RequestCode.END_TRANSACTION,
]);

interface Line {
  readonly level: string;
  readonly message: string;
  readonly error: unknown;
}

/** The server on a volume, what it logs, and which header fields the processor of each code has asked for. */
async function open(files: FaultyVolume) {
  const lines: Line[] = [];
  const at =
    (level: string) =>
    (message: string, { error }: Readonly<Record<string, unknown>> = {}): void =>
      void lines.push({ level, message, error });
  const logger: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const asked = new Map<number, Set<string>>();
  const around = (processor: RequestProcessor): RequestProcessor => {
    return (request, connection, respond) => processor(watched(request, asked), connection, respond);
  };
  const options = resolveServerOptions(
    { dir: '/data', logger, store: { ...SMALL_STORE, files } },
    { nameServerPort: 0, brokerPort: 0 },
  );
  const server: OpenServer = closeAfterTest(await runServer(options, { around }));
  return { server, lines, asked };
}

function watched(request: RemotingCommand, asked: Map<number, Set<string>>): RemotingCommand {
  const { code, language, version, opaque, flag, remark, body, serializeType } = request;
  const names = asked.get(code) ?? new Set<string>();
  asked.set(code, names);
  const ext = new Proxy(request.ext, {
    get: (fields, name) => {
      if (typeof name === 'string' && name in GOOD_FIELDS) names.add(name);
      return Reflect.get(fields, name);
    },
  });
  return { code, language, version, opaque, flag, remark, body, serializeType, ext };
}

test('whatever requests say, each is answered, nobody else notices, and what was stored survives a kill', async () => {
  const random = new Random(SEED);
  const volume = new FaultyVolume();
  const { server, lines, asked } = await open(volume);
  const clients = [rawClient(undefined, 'json'), rawClient(undefined, 'rocketmq')];
  const good = rawClient();
  const silent: number[] = [];
  let sent = 0;
  const send = async (): Promise<void> => {
    const body = String(sent++);
    expect(await sendTo(good, server.brokerAddress, { topic: 'ledger', body })).toMatchObject({ code: 0 });
  };
  const sendMutants = async (address: string, code: number): Promise<void> => {
    const body = GOOD_BODIES[code] === undefined ? 'body' : JSON.stringify(GOOD_BODIES[code]);
    const timeoutMs = UNANSWERED.has(code) ? UNANSWERED_MS : ANSWER_MS;
    const ask = async (index: number, ext: Readonly<Record<string, string>>, bytes: Buffer): Promise<void> => {
      try {
        await clients[index % 2]!.invoke(address, { code, ext, body: bytes }, { timeoutMs });
      } catch (error) {
        if (!isRocketMQError(error, 'RMQ_REQUEST_TIMEOUT')) throw error;
        if (!UNANSWERED.has(code)) silent.push(code);
      }
    };
    // Tells which fields count.
    await ask(0, GOOD_FIELDS, Buffer.from(body));
    const names = [...(asked.get(code) ?? [])];
    const mutants = Array.from({ length: MUTANTS_EACH }, (_, index) => {
      const isFieldWrong = names.length > 0 && random.chance(GOOD_BODIES[code] === undefined ? 0.9 : 0.3);
      const ext = isFieldWrong ? mutantOf(GOOD_FIELDS, names, random) : GOOD_FIELDS;
      return ask(index, ext, isFieldWrong ? Buffer.from(body) : mutantBodyOf(body, random));
    });
    await Promise.all(mutants);
  };
  for (const code of codesOf(NAME_SERVER_REQUESTS)) await sendMutants(server.nameServers, code);
  for (const code of codesOf(BROKER_REQUESTS)) {
    await sendMutants(server.brokerAddress, code);
    await send();
  }
  expect(silent).toEqual([]);
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  const failures = lines.filter(({ message }) => message === 'a request could not be processed');
  expect(failures.filter(({ error }) => !isRocketMQError(error))).toEqual([]);

  await Promise.all(clients.map((client) => client.close()));
  await waitFor(() => server.statistics.connections <= 2, { what: 'their connections to be gone' });
  expect(server.statistics.broker).toEqual({ producerGroups: 0, consumerGroups: 0, heldPulls: 0 });

  const again = await open(volume.loseProcess());
  expect(again.lines.filter(({ level }) => level === 'error')).toEqual([]);
  const { ext } = await invoke(good, again.server.brokerAddress, RequestCode.GET_MAX_OFFSET, {
    topic: 'ledger',
    queueId: 0,
  });
  expect(Number(ext.offset)).toBe(sent);
  expect(await pullFrom(good, again.server.brokerAddress, { topic: 'ledger', offset: sent - 1 })).toMatchObject({
    body: expect.objectContaining({ length: expect.any(Number) }),
    code: 0,
  });
});

function codesOf(rows: readonly (readonly [unknown, ...number[]])[]): number[] {
  return rows.flatMap(([, ...codes]) => codes);
}
