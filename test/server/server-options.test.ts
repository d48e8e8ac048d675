import { describe, expect, test } from 'vitest';
import { brokerAddresses, isLoopback } from '../../core/server/broker-addresses.js';
import { resolveServerOptions, type ServerOptions } from '../../core/server/server-options.js';

const PORTS = { nameServerPort: 9876, brokerPort: 10_911 };

describe('the options of a server', () => {
  test('have defaults', () => {
    expect(resolveServerOptions({ dir: './data' }, PORTS)).toEqual({
      dir: './data',
      host: '127.0.0.1',
      nameServerPort: 9876,
      brokerPort: 10_911,
      vipPort: false,
      cluster: 'DefaultCluster',
      brokerName: 'broker-a',
      advertisedHost: undefined,
      nameServers: undefined,
      registerWith: [],
      tls: undefined,
      nameServerTls: false,
      worker: false,
      transport: undefined,
      clock: undefined,
      logger: undefined,
      store: {},
      orderMessageEnable: false,
      connectionsMax: undefined,
      frameSizeBytesMax: undefined,
      broker: {},
    });
  });

  test('that are undefined are as if they were not there', () => {
    const options = { dir: './data', host: undefined, brokerPort: undefined, nameServers: undefined };
    expect(resolveServerOptions(options, PORTS)).toEqual(resolveServerOptions({ dir: './data' }, PORTS));
  });

  test('for the broker reach it under their names', () => {
    const broker = { autoCreateTopicEnable: false, defaultTopicQueueNums: 2, heldPullsMax: 5 };
    expect(resolveServerOptions({ dir: 'd', ...broker }, PORTS).broker).toEqual(broker);
  });

  test('name further name servers for a server that has one of its own', () => {
    const registerWith = ' a:1; b:2';
    expect(resolveServerOptions({ dir: 'd', registerWith }, PORTS).registerWith).toEqual(['a:1', 'b:2']);
    expect(() => resolveServerOptions({ dir: 'd', registerWith, nameServers: 'c:3' }, PORTS)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'registerWith' }),
    );
  });

  test.each([
    ['a:1;b:2', ['a:1', 'b:2']],
    [' a:1 ; ', ['a:1']],
    [
      ['a:1', 'b:2'],
      ['a:1', 'b:2'],
    ],
  ])('read name servers from %j', (nameServers, expected) => {
    expect(resolveServerOptions({ dir: 'd', nameServers }, PORTS).nameServers).toEqual(expected);
  });

  test.each<[string, unknown]>([
    ['dir', ''],
    ['dir', 7],
    ['host', ''],
    ['host', 'a b'],
    ['nameServerPort', -1],
    ['nameServerPort', 65_536],
    ['brokerPort', '10911'],
    ['brokerPort', 1.5],
    ['cluster', 'no good'],
    ['brokerName', 'x'.repeat(128)],
    ['advertisedHost', 'http://x'],
    ['nameServers', ''],
    ['nameServers', 'no port'],
    ['nameServers', [7]],
    ['registerWith', 'no port'],
    ['transport', {}],
    ['clock', { now: () => 0 }],
    ['logger', 'loud'],
    ['store', 'disk'],
    ['autoCreateTopicEnable', 'yes'],
    ['defaultTopicQueueNums', 0],
    ['brokerPermission', 8],
    ['connectionsMax', 0],
    ['heldPullsMax', -1],
    ['storage', 'memory'],
    ['__proto__x', 1],
  ])('name %s when it is %j', (option, value) => {
    const options = { dir: 'd', [option]: value } as ServerOptions;
    expect(() => resolveServerOptions(options, PORTS)).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option, message: expect.stringContaining(option) }),
    );
  });
});

test.each<[string, object]>([
  ['flushDiskTyp', { flushDiskTyp: 'SYNC_FLUSH' }],
  ['flushDiskType', { flushDiskType: 'SYNC' }],
  ['mappedFileSizeCommitLog', { mappedFileSizeCommitLog: 4096.5 }],
  ['store.files', { files: {} }],
])('what is wrong with the store is told by name, before anything starts: %s', (option, store) => {
  expect(() => resolveServerOptions({ dir: 'd', store }, PORTS)).toThrow(
    expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option, message: expect.stringContaining(option) }),
  );
});

describe('the addresses of a broker', () => {
  test.each([
    ['127.0.0.1', undefined, '127.0.0.1:7', '127.0.0.1:7'],
    ['0.0.0.0', '10.0.0.5', '10.0.0.5:7', '10.0.0.5:7'],
    ['10.0.0.5', 'broker.example.com', 'broker.example.com:7', '10.0.0.5:7'],
    ['localhost', undefined, 'localhost:7', '127.0.0.1:7'],
    ['::1', undefined, '[::1]:7', '[::1]:7'],
  ])('listening on %s and advertising %s', (host, advertised, address, storeHost) => {
    expect(brokerAddresses(host, 7, advertised)).toMatchObject({ address, storeHost });
  });

  test('of a wildcard are this machine’s own', () => {
    const { address, storeHost, haServerAddr } = brokerAddresses('0.0.0.0', 7, undefined);
    expect(address).not.toMatch(/^0\.0\.0\.0/);
    expect(address).toMatch(/:7$/);
    expect(storeHost).toBe(address);
    expect(haServerAddr).toMatch(/:8$/);
  });

  test('tell whether only this machine reaches them', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '::', '10.0.0.1', 'example.com'].some(isLoopback)).toBe(false);
  });
});
