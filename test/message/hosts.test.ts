import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { decodeHost, encodeHost, parseIp } from '../../core/message/host.js';
import { chooseClientIp, chooseUniqueIdIp, type NetworkInterfaces } from '../../core/message/local-address.js';

test.each([
  ['127.0.0.1:10911', '7f00000100002a9f'],
  ['255.255.255.255:65535', 'ffffffff0000ffff'],
  ['[::1]:1', '0000000000000000000000000000000100000001'],
  ['::ffff:10.0.0.1:9876', '00000000000000000000ffff0a00000100002694'],
  ['[fe80::1%eth0]:2', 'fe80000000000000000000000000000100000002'],
  ['[1:2:3:4:5:6:7:8]:0', '0001000200030004000500060007000800000000'],
])('the host %s is %s', (host, hex) => {
  expect(encodeHost(host).toString('hex')).toBe(hex);
  expect(encodeHost(decodeHost(Buffer.from(hex, 'hex'))).toString('hex')).toBe(hex);
});

test('thousands of hosts that come again and again are each themselves', () => {
  for (let round = 0; round < 2; round++) {
    for (let number = 0; number < 2_000; number++) {
      const host = `10.${number % 3}.${number % 7}.${number % 256}:${number}`;
      expect(decodeHost(encodeHost(host))).toBe(host);
    }
  }
});

test.each([
  '',
  'localhost:1',
  '1.2.3:1',
  '1.2.3.4',
  '1.2.3.4:',
  '1.2.3.4:65536',
  '1.2.3.4:-1',
  '1.2.3.4: 1',
  '256.0.0.1:1',
  '[::1::2]:1',
  '[12345::]:1',
  '[1:2:3:4:5:6:7]:1',
  '[1:2:3:4:5:6:7:8:9]:1',
  '[::g]:1',
  '1.2.3.4:1e3',
])('no host: %j', (host) => {
  expect(() => encodeHost(host)).toThrow(expect.objectContaining({ code: 'RMQ_BODY_INVALID' }));
});

test('IPv6 addresses are shown in their short form', () => {
  const shown = (text: string) => decodeHost(Buffer.concat([parseIp(text)!, Buffer.from([0, 0, 0, 9])]));
  expect(shown('2001:db8:0:0:1:0:0:1')).toBe('[2001:db8::1:0:0:1]:9');
  expect(shown('1:0:2:3:4:5:6:7')).toBe('[1:0:2:3:4:5:6:7]:9');
  expect(shown('::')).toBe('[::]:9');
  expect(shown('1::')).toBe('[1::]:9');
});

const entry = (address: string, internal = false) => ({
  address,
  family: address.includes(':') ? 'IPv6' : 'IPv4',
  internal,
});
const interfaces = (...names: string[]): NetworkInterfaces => ({
  lo: [entry('127.0.0.1', true), entry('::1', true)],
  eth0: names.map((name) => entry(name)),
});
const uniqueIdIp = (...names: string[]) => {
  const ip = chooseUniqueIdIp(interfaces(...names));
  return ip && decodeHost(Buffer.concat([ip, Buffer.alloc(4)])).replace(/:0$/, '');
};

test('ids begin with the first public address, else with a private IPv4 one', () => {
  expect(uniqueIdIp('10.0.0.1', '8.8.8.8')).toBe('8.8.8.8');
  expect(uniqueIdIp('192.168.1.2', '172.16.0.1', '10.0.0.1')).toBe('192.168.1.2');
  expect(uniqueIdIp('172.32.0.1')).toBe('172.32.0.1');
  expect(uniqueIdIp('10.0.0.1', 'fd00::1')).toBe('[fd00::1]');
  expect(uniqueIdIp('fe80::1', 'fec0::1', '10.0.0.1')).toBe('10.0.0.1');
  expect(uniqueIdIp('fe80::1')).toBeUndefined();
  expect(uniqueIdIp()).toBeUndefined();
});

test('a client shows an IPv4 address before an IPv6 one, and 192.168/16 last of them', () => {
  expect(chooseClientIp(interfaces('fd00::1', '10.0.0.1'))).toBe('10.0.0.1');
  expect(chooseClientIp(interfaces('192.168.1.2', '172.16.0.1'))).toBe('172.16.0.1');
  expect(chooseClientIp(interfaces('192.168.1.2', '192.168.1.3'))).toBe('192.168.1.3');
  expect(chooseClientIp(interfaces('fe80::1%eth0'))).toBe('fe80::1');
  expect(chooseClientIp(interfaces())).toBe('127.0.0.1');
  expect(parseIp(chooseClientIp(networkInterfaces()))).toBeDefined();
});
