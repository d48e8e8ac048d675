import { expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { expectSuccess } from '../../core/remoting/expect-success.js';
import type { RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import {
  fixedNameServers,
  missingNameServers,
  type NameServerResolver,
} from '../../core/routing/name-server-resolver.js';
import { NameServers } from '../../core/routing/name-servers.js';
import { silentLogger } from '../../core/runtime/logger.js';

const command = (code: number, remark?: string): RemotingCommand => ({
  code,
  language: 0,
  version: 407,
  opaque: 1,
  flag: 1,
  remark,
  ext: {},
  body: Buffer.alloc(0),
  serializeType: 0,
});

/** Name servers by address: a response, or an error to reject with. */
function setup(servers: Record<string, RemotingCommand | Error>, random = 0, resolver?: NameServerResolver) {
  const asked: string[] = [];
  const nameServers = new NameServers({
    resolver: resolver ?? fixedNameServers(Object.keys(servers)),
    remoting: {
      invoke: async (address) => {
        asked.push(address);
        const answer = servers[address];
        if (answer === undefined || answer instanceof Error) throw answer ?? new Error('nobody');
        return answer;
      },
    },
    logger: silentLogger,
    timeoutMs: 3000,
    random: () => random,
  });
  const ask = () => nameServers.ask({ code: 105 }, (response, address) => expectSuccess(response, { address }).code);
  return { nameServers, ask, asked, servers };
}

test('the first is chosen at random and kept while it answers', async () => {
  const { ask, asked, nameServers } = setup({ a: command(0), b: command(0), c: command(0) }, 0.5);
  expect(nameServers.chosen).toBeUndefined();
  expect((await ask()).address).toBe('b');
  await ask();
  expect(asked).toEqual(['b', 'b']);
  expect(nameServers.chosen).toBe('b');
});

test('one that fails is followed by the next, which is kept from then on', async () => {
  const { ask, asked, servers } = setup({ a: command(0), b: new Error('away'), c: command(2, 'busy') }, 0.4);
  expect((await ask()).address).toBe('a');
  servers.b = command(0);
  await ask();
  expect(asked).toEqual(['b', 'c', 'a', 'a']);
});

test('when none answers, each one is listed with its failure', async () => {
  const lost = rocketMQError('RMQ_CONNECT_FAILED', 'refused', { address: 'a' });
  const { ask } = setup({ a: lost, b: command(1, 'not ready') });
  await expect(ask()).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    retryable: true,
    message: expect.stringMatching(/a \(RMQ_CONNECT_FAILED: refused\); b \(RMQ_BROKER_ERROR: .*code 1: not ready\)/),
    failures: [
      { address: 'a', error: lost },
      { address: 'b', error: expect.objectContaining({ responseCode: 1, remark: 'not ready' }) },
    ],
  });
});

test('a list that changed is followed, also when it lost the chosen one', async () => {
  let list = ['a'];
  const { ask } = setup({ a: command(0), b: command(0) }, 0, { nameServers: async () => list });
  expect((await ask()).address).toBe('a');
  list = ['b'];
  expect((await ask()).address).toBe('b');
});

test('without any name server the error says what to give', async () => {
  const { ask } = setup({}, 0, missingNameServers);
  await expect(ask()).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_MISSING',
    hint: expect.stringContaining('embedded('),
  });
});

test('all are told, and those that did not take it are listed', async () => {
  const { nameServers, asked, servers } = setup({ a: command(0), b: command(1, 'not ready'), c: new Error('away') });
  const tell = () =>
    nameServers.tellAll({ code: 216 }, (response, address) => {
      expectSuccess(response, { address });
    });
  await expect(tell()).rejects.toMatchObject({
    code: 'RMQ_NAME_SERVER_UNREACHABLE',
    message: expect.stringContaining('2 of 3 name server(s) could not be told'),
    failures: [
      { address: 'b', error: expect.objectContaining({ responseCode: 1 }) },
      { address: 'c', error: servers.c },
    ],
  });
  expect(asked).toEqual(['a', 'b', 'c']);
  Object.assign(servers, { b: command(0), c: command(0) });
  await tell();
  expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
});
