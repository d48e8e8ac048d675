/** Golden cases of namespaces: what Apache's NamespaceUtil and NameServerAddressUtils make of the same names. */
import { describe, expect, test } from 'vitest';
import { instanceOfEndpoint, unwrapNamespace, wrapNamespace } from '../../../plugins/namespace/index.js';
import { namespacedNames } from '../../../plugins/namespace/namespaced-names.js';

describe('wrapped', () => {
  test.each([
    ['ns', 'orders', 'ns%orders'],
    ['MQ_INST_XXX', 'GID_XXX', 'MQ_INST_XXX%GID_XXX'],
    ['ns', '%RETRY%group', '%RETRY%ns%group'],
    ['ns', '%DLQ%group', '%DLQ%ns%group'],
    // Empty stays empty, and no namespace is no change.
    ['ns', '', ''],
    ['', 'orders', 'orders'],
    // Once is enough.
    ['ns', 'ns%orders', 'ns%orders'],
    ['ns', '%RETRY%ns%group', '%RETRY%ns%group'],
    ['ns', '%DLQ%ns%group', '%DLQ%ns%group'],
    // Another's name is a name like any other.
    ['ns', 'ns2%orders', 'ns%ns2%orders'],
    ['ns', 'nsorders', 'ns%nsorders'],
    // Names of RocketMQ itself.
    ['ns', 'TBW102', 'TBW102'],
    ['ns', 'SCHEDULE_TOPIC_XXXX', 'SCHEDULE_TOPIC_XXXX'],
    ['ns', 'BenchmarkTest', 'BenchmarkTest'],
    ['ns', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_HALF_TOPIC'],
    ['ns', 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'RMQ_SYS_TRANS_OP_HALF_TOPIC'],
    ['ns', 'TRANS_CHECK_MAX_TIME_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC'],
    ['ns', 'RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC'],
    ['ns', 'SELF_TEST_TOPIC', 'SELF_TEST_TOPIC'],
    ['ns', 'OFFSET_MOVED_EVENT', 'OFFSET_MOVED_EVENT'],
    ['ns', 'rmq_sys_anything', 'rmq_sys_anything'],
    ['ns', 'CID_RMQ_SYS_TRANS', 'CID_RMQ_SYS_TRANS'],
    // System by its name only, not by a part of it.
    ['ns', 'my_rmq_sys_topic', 'ns%my_rmq_sys_topic'],
    ['ns', 'DefaultCluster_REPLY_TOPIC', 'ns%DefaultCluster_REPLY_TOPIC'],
    ['ns', '%RETRY%CID_RMQ_SYS_TRANS', '%RETRY%ns%CID_RMQ_SYS_TRANS'],
  ])('%s: %s becomes %s', (namespace, name, wire) => {
    expect(wrapNamespace(namespace, name)).toBe(wire);
  });
});

describe('unwrapped', () => {
  test.each([
    // With the namespace given, only that one is taken off.
    ['ns%orders', 'ns', 'orders'],
    ['%RETRY%ns%group', 'ns', '%RETRY%group'],
    ['%DLQ%ns%group', 'ns', '%DLQ%group'],
    ['ns%a%b', 'ns', 'a%b'],
    ['orders', 'ns', 'orders'],
    ['other%orders', 'ns', 'other%orders'],
    ['%RETRY%other%group', 'ns', '%RETRY%other%group'],
    ['ns%orders', '', 'ns%orders'],
    ['', 'ns', ''],
    ['rmq_sys_topic', 'ns', 'rmq_sys_topic'],
    // Without one, whatever stands before the first %.
    ['ns%orders', undefined, 'orders'],
    ['%RETRY%ns%group', undefined, '%RETRY%group'],
    ['%DLQ%ns%group', undefined, '%DLQ%group'],
    ['ns%a%b', undefined, 'a%b'],
    ['orders', undefined, 'orders'],
    ['%RETRY%group', undefined, '%RETRY%group'],
    ['%orders', undefined, '%orders'],
    ['TBW102', undefined, 'TBW102'],
    ['CID_RMQ_SYS_TRANS', undefined, 'CID_RMQ_SYS_TRANS'],
    ['', undefined, ''],
  ])('%s of %s is %s', (wire, namespace, name) => {
    expect(unwrapNamespace(wire, namespace)).toBe(name);
  });

  test('what was wrapped comes back', () => {
    for (const name of ['orders', '%RETRY%group', '%DLQ%group', 'a%b', 'TBW102', 'rmq_sys_x', 'CID_RMQ_SYS_A']) {
      expect(unwrapNamespace(wrapNamespace('ns', name), 'ns')).toBe(name);
    }
  });
});

describe('the instance of an endpoint', () => {
  test.each([
    ['http://MQ_INST_1234_Bay.region.example:80', 'MQ_INST_1234_Bay'],
    ['MQ_INST_1234_Bay.region.example:9876', 'MQ_INST_1234_Bay'],
    ['https://MQ_INST_a_b.x', 'MQ_INST_a_b'],
    ['MQ_INST_a_b_c.x:1', 'MQ_INST_a_b_c'],
    ['127.0.0.1:9876', undefined],
    ['http://127.0.0.1:9876', undefined],
    ['MQ_INST_1234.region.example:80', undefined],
    ['MQ_INST_1234_Bay:9876', undefined],
    ['x.MQ_INST_1234_Bay.example:80', undefined],
    ['mq_inst_1_a.example:80', undefined],
    ['', undefined],
  ])('%s: %s', (endpoint, instance) => {
    expect(instanceOfEndpoint(endpoint)).toBe(instance);
  });
});

describe('the names of a client in a namespace', () => {
  const names = namespacedNames('ns');

  test('say the same however often they are asked', () => {
    for (let round = 0; round < 2; round++) {
      expect(names.topicToWire('orders')).toBe('ns%orders');
      expect(names.topicFromWire('ns%orders')).toBe('orders');
      expect(names.groupToWire('g')).toBe('ns%g');
      expect(names.groupFromWire('ns%g')).toBe('g');
    }
    for (let index = 0; index < 10_000; index++) expect(names.topicToWire(`t${index}`)).toBe(`ns%t${index}`);
  });

  test('are refused where the namespace makes them too long', () => {
    expect(names.topicToWire('t'.repeat(124))).toHaveLength(127);
    expect(() => names.topicToWire('t'.repeat(125))).toThrow(
      expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic' }),
    );
    expect(names.groupToWire('g'.repeat(252))).toHaveLength(255);
    expect(() => names.groupToWire('g'.repeat(253))).toThrow(
      expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option: 'group' }),
    );
  });
});
