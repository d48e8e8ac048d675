import { describe, expect, test } from 'vitest';
import { parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import { bloomBitsOf } from '../../../core/server/broker/filter-data/bloom-bits.js';
import { type HeartbeatParts, heartbeat } from '../kit/bodies.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { FakeStore } from '../kit/fake-store.js';
import { answerTo, FakeConnection } from '../kit/requests.js';

const DAY_MS = 24 * 60 * 60_000;
const FILE = 'consumerFilter.json';

/** As Apache 4.9.7 wrote it for a group that was there. */
const APACHES = {
  filterDataByTopic: {
    T_sql: {
      groupFilterData: {
        G_sql: {
          bloomFilterData: { bitNum: 112, bitPos: [31, 44, 57] },
          bornTime: 1_795_347_540_346,
          clientVersion: 17,
          consumerGroup: 'G_sql',
          dead: false,
          deadTime: 0,
          expression: "a > 3 and b = 'ü'",
          expressionType: 'SQL92',
          topic: 'T_sql',
        },
      },
      topic: 'T_sql',
    },
  },
};

async function setup(store = new FakeStore()): Promise<ServerParts> {
  const parts = serverParts({}, { store });
  await parts.load();
  return parts;
}

async function beat(parts: ServerParts, more: HeartbeatParts, connection = new FakeConnection()) {
  const wants = { group: 'G_sql', topics: { T_sql: "a > 3 and b = 'ü'" }, subVersion: 17, expressionType: 'SQL92' };
  expect(await answerTo(parts.broker, heartbeat({ ...wants, ...more }), connection)).toMatchObject({ code: 0 });
  return connection;
}

const written = ({ store }: ServerParts): unknown => parseJsonDialect(store.configs.get(FILE) ?? 'null');

describe('the expressions that groups filter by', () => {
  test('are written as Apache writes them, bits of its Bloom filter included', async () => {
    const parts = await setup();
    await beat(parts, {});
    await parts.filters.save();
    const { bornTime: _, ...apaches } = APACHES.filterDataByTopic.T_sql.groupFilterData.G_sql;
    expect(written(parts)).toEqual({
      filterDataByTopic: {
        T_sql: { groupFilterData: { G_sql: { ...apaches, bornTime: parts.clock.now() } }, topic: 'T_sql' },
      },
    });
    expect(bloomBitsOf('a group of more than sixteen characters#and a topic, ü')).toEqual({
      bitNum: 112,
      bitPos: expect.arrayContaining([expect.any(Number)]),
    });
  });

  test('are not those of tags, nor such as nobody can read', async () => {
    const parts = await setup();
    await beat(parts, { expressionType: 'TAG', topics: { T_sql: 'a || b' } });
    await beat(parts, { topics: { other: 'a >' } });
    await parts.filters.save();
    expect(parts.store.configs.has(FILE)).toBe(false);
  });

  test('follow what a group says: newer takes the place of older, what it wants no more is dead until it is back', async () => {
    const parts = await setup();
    const connection = await beat(parts, {});
    await beat(parts, { subVersion: 16, topics: { T_sql: 'older = 1' } }, connection);
    expect(parts.filters.find('T_sql', 'G_sql')?.expression).toBe("a > 3 and b = 'ü'");
    await beat(parts, { subVersion: 18, topics: { T_sql: 'newer = 1' } }, connection);
    expect(parts.filters.find('T_sql', 'G_sql')).toMatchObject({ expression: 'newer = 1', clientVersion: 18 });
    await beat(parts, { subVersion: 19, topics: { elsewhere: 'x = 1' } }, connection);
    expect(parts.filters.find('T_sql', 'G_sql')?.deadTime).toBe(parts.clock.now());
    await beat(parts, { subVersion: 18, topics: { T_sql: 'newer = 1' } }, connection);
    expect(parts.filters.find('T_sql', 'G_sql')?.deadTime).toBe(0);
    await beat(parts, { subVersion: 20, topics: { T_sql: 'broken >' } }, connection);
    expect(parts.filters.find('T_sql', 'G_sql')).toBeUndefined();
  });

  test('die with the last member, and are forgotten a day later', async () => {
    const parts = await setup();
    const [one, two] = [await beat(parts, {}), await beat(parts, {})];
    parts.consumers.removeConnection(one);
    expect(parts.filters.find('T_sql', 'G_sql')?.deadTime).toBe(0);
    parts.consumers.removeConnection(two);
    expect(parts.filters.find('T_sql', 'G_sql')?.deadTime).toBe(parts.clock.now());
    await parts.clock.advance(DAY_MS - 1);
    await parts.filters.save();
    expect(written(parts)).toMatchObject({ filterDataByTopic: { T_sql: {} } });
    await parts.clock.advance(1);
    await parts.filters.save();
    expect(written(parts)).toEqual({ filterDataByTopic: {} });
  });

  test('of a directory of Apache are read, as of groups that are not there, and live again when they are', async () => {
    const store = new FakeStore();
    store.configs.set(FILE, JSON.stringify(APACHES));
    const parts = await setup(store);
    const { bornTime, expression } = APACHES.filterDataByTopic.T_sql.groupFilterData.G_sql;
    const deadTime = Math.max(bornTime, parts.clock.now() - 30_000);
    expect(parts.filters.find('T_sql', 'G_sql')).toMatchObject({ bornTime, expression, deadTime });
    await beat(parts, {});
    expect(parts.filters.find('T_sql', 'G_sql')).toMatchObject({ bornTime, deadTime: 0 });
  });
});
