import { expect, test } from 'vitest';
import { isRocketMQError } from '../../core/errors/rocketmq-error.js';
import { parseNameServerList } from '../../core/routing/name-server-list.js';

test('a text list is split at semicolons, blanks and repetitions are dropped', () => {
  expect(parseNameServerList(' a:9876; b:9877 ;;a:9876', 'nameServers')).toEqual(['a:9876', 'b:9877']);
});

test('an array, IPv6 addresses and addresses with a scheme are understood', () => {
  expect(parseNameServerList(['[::1]:9876', 'http://mq.example:80'], 'nameServers')).toEqual([
    '[::1]:9876',
    'mq.example:80',
  ]);
});

test.each([[''], [' ; '], [[]], ['localhost'], ['a:0'], ['a:65536'], ['a b:1'], [':9876'], ['a:9876/x']])(
  'the list %j is refused by the name of its option',
  (list) => {
    let refused: unknown;
    try {
      parseNameServerList(list, 'NAMESRV_ADDR');
    } catch (error) {
      refused = error;
    }
    expect(isRocketMQError(refused, 'RMQ_OPTIONS_INVALID') && refused.option).toBe('NAMESRV_ADDR');
  },
);
