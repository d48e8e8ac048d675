import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { type ConnectOptions, connect } from '../../core/index.js';
import { namespace } from '../../plugins/namespace/index.js';
import { collect } from './kit/collect.js';
import { drive, mqadmin } from './kit/java.js';
import { readReceived, writeOutgoing } from './kit/message-lines.js';
import { ANSWERED } from './kit/patience.js';
import { describeOutcome } from './kit/processes.js';
import { queuesOf } from './kit/settled.js';

const options = (name?: string, version: 1 | 2 = 1): ConnectOptions => ({
  nameServers: inject('apache').nameServer,
  plugins: name === undefined ? [] : [namespace({ namespace: name, version })],
});

async function send(topic: string, bodies: readonly string[], given: ConnectOptions) {
  const mq = await connect(given);
  onTestFinished(() => mq.close());
  const producer = await mq.producer({ group: `namespace_${topic}`, ...ANSWERED });
  for (const body of bodies) {
    const { status, queue } = await producer.send({ topic, body });
    expect({ status, topic: queue.topic }).toEqual({ status: 'SEND_OK', topic });
  }
}

async function readWithJava(topic: string, count: number, name?: string) {
  const args = [topic, `java_reads_${topic.replace('%', '_')}`, String(count), ...(name === undefined ? [] : [name])];
  const outcome = await drive(inject('java'), inject('apache').nameServer, 'consume', args);
  expect(outcome.exitCode, describeOutcome('consume', outcome)).toBe(0);
  return readReceived(outcome.stdout);
}

const bodiesOf = (messages: readonly { readonly body: Buffer }[]) => messages.map(({ body }) => body.toString()).sort();

describe('a namespace on Apache, with names that carry it:', () => {
  test('what we send, Java reads in that namespace, and without one under the full name', async () => {
    const topic = 'namespace_to_java';
    await send(topic, ['one', 'two', 'three'], options('our_space'));
    const inside = await readWithJava(topic, 3, 'our_space');
    expect(bodiesOf(inside)).toEqual(['one', 'three', 'two']);
    for (const message of inside) {
      expect(message.topic).toBe(topic);
      expect(message.properties.get('INSTANCE_ID')).toBe('our_space');
    }
    const outside = await readWithJava(`our_space%${topic}`, 3);
    expect(bodiesOf(outside)).toEqual(['one', 'three', 'two']);
    expect(new Set(outside.map((message) => message.topic))).toEqual(new Set([`our_space%${topic}`]));
  });

  test('what Java sends in a namespace, we read in it', async () => {
    const topic = 'namespace_from_java';
    const input = ['a', 'b', 'c'].map((body) => writeOutgoing({ topic, body: Buffer.from(body) })).join('\n');
    const produced = await drive(inject('java'), inject('apache').nameServer, 'produce', ['java_space'], { input });
    expect(produced.exitCode, describeOutcome('produce', produced)).toBe(0);
    const messages = await collect(options('java_space'), topic, 3);
    expect(bodiesOf(messages)).toEqual(['a', 'b', 'c']);
    for (const message of messages) {
      expect(message.topic).toBe(topic);
      expect(message.properties.INSTANCE_ID).toBe('java_space');
    }
  });

  test('two namespaces and none share nothing but the broker', async () => {
    const topic = 'namespace_shared';
    for (const name of ['space_a', 'space_b', undefined]) await send(topic, [`in ${name}`], options(name));
    for (const name of ['space_a', 'space_b', undefined]) {
      expect(bodiesOf(await collect(options(name), topic, 1))).toEqual([`in ${name}`]);
    }
    const retried = `%RETRY%space_a%collect_${topic}`;
    const plain = await connect(options());
    onTestFinished(() => plain.close());
    for (const each of [`space_a%${topic}`, `space_b%${topic}`, topic, retried]) await queuesOf(plain, each);
    const { stdout } = await mqadmin(inject('java'), inject('apache').nameServer, 'topicList');
    const topics = stdout.split('\n').map((line) => line.trim());
    for (const name of ['space_a%', 'space_b%', '']) expect(topics).toContain(`${name}${topic}`);
    expect(topics).toContain(retried);
  });
});

describe('a namespace on Apache 4.9, said with every request:', () => {
  test('is not looked at, and everything works', async () => {
    const topic = 'namespace_v2';
    await send(topic, ['x'], options('space_2', 2));
    expect(bodiesOf(await collect(options('space_2', 2), topic, 1))).toEqual(['x']);
    expect(bodiesOf(await readWithJava(topic, 1))).toEqual(['x']);
  });
});
