import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../core/remoting/address.js';

test.each([
  ['127.0.0.1:9876', { host: '127.0.0.1', port: 9876 }],
  ['broker-a.example:10911', { host: 'broker-a.example', port: 10911 }],
  ['[::1]:10911', { host: '::1', port: 10911 }],
  ['memory:1', { host: 'memory', port: 1 }],
])('reads %s', (address, expected) => {
  expect(parseAddress(address)).toEqual(expected);
  expect(formatAddress(expected.host, expected.port)).toBe(address);
});

test.each(['', ':1', 'host', 'host:', 'host:x', 'host:65536', '::1:10', 'a b:1', 'http://host:80', 'host:-1'])(
  'refuses %j',
  (address) => {
    expect(parseAddress(address)).toBeUndefined();
  },
);

test('an IPv4 address that came mapped into IPv6 is written as what it is', () => {
  expect(formatAddress('::ffff:10.0.0.5', 1)).toBe('10.0.0.5:1');
});
