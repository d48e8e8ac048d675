import { expect, test } from 'vitest';
import { frozenMessage } from '../../core/message/frozen-message.js';

test('the copy has all that the message has, and nobody can change it', () => {
  const mark = Symbol('mark');
  const message = {
    topic: 'orders',
    body: 'x',
    keys: ['a', 'b'],
    properties: { colour: 'red' },
    systemProperties: { TRAN_MSG: 'true' },
    shardingKey: '42',
    [mark]: 1,
  };
  const copy = frozenMessage(message);
  expect(copy).toEqual(message);
  expect(copy[mark]).toBe(1);
  expect(copy).not.toBe(message);
  for (const part of [copy, copy.keys, copy.properties, copy.systemProperties])
    expect(Object.isFrozen(part)).toBe(true);
  expect(Object.isFrozen(message)).toBe(false);
});

test('a property whose name is that of the prototype stays a property', () => {
  const properties = JSON.parse('{"__proto__":"x","colour":"red"}') as Record<string, string>;
  const copy = frozenMessage({ topic: 'orders', body: 'x', properties });
  expect(Object.keys(copy.properties ?? {})).toEqual(['__proto__', 'colour']);
  expect(Object.getPrototypeOf(copy.properties)).toBe(Object.prototype);
});

test('an object of a class stays as it is', () => {
  class Order {
    topic = 'orders';
    body = 'x';
  }
  const order = new Order();
  expect(frozenMessage(order)).toBe(order);
});
