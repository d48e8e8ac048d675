import { expect, test } from 'vitest';
import { silentLogger } from '../../../core/runtime/logger.js';
import { ConfigFiles } from '../../../core/server/store/config-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import { FaultyVolume } from '../../fault/faulty-volume.js';
import { SMALL_FILES } from './store-kit.js';

const DIR = '/data/config';
const isJson = (text: string): boolean => text.startsWith('{') && text.endsWith('}');

function setup() {
  const volume = new FaultyVolume();
  volume.mkdir(DIR);
  for (const path of ['/', '/data']) volume.syncDirectorySync(path);
  return { volume, configs: on(volume) };
}

function on(files: StoreFiles): ConfigFiles {
  return new ConfigFiles(DIR, files, silentLogger);
}

function put(files: StoreFiles, name: string, text: string): void {
  const file = files.create(`${DIR}/${name}`, Buffer.byteLength(text));
  if (text !== '') file.writevSync([Buffer.from(text)], 0);
  file.close();
}

test('the text before the last is kept beside it, and no temporary file stays', async () => {
  const { volume, configs } = setup();
  await configs.write('topics.json', '{1}');
  await configs.write('topics.json', '{2, ünïcode}');
  expect(volume.list(DIR)).toEqual(['topics.json', 'topics.json.bak']);
  expect(await configs.read('topics.json')).toBe('{2, ünïcode}');
  expect(await configs.read('topics.json.bak')).toBe('{1}');
});

test.each([
  ['half written', '{"a":'],
  ['empty', ''],
  ['full of zeros', '\0\0\0\0'],
])('a file that is %s gives way to its .bak, which it never replaces', async (_how, torn) => {
  const { volume, configs } = setup();
  put(volume, 'topics.json', torn);
  put(volume, 'topics.json.bak', '{good}');
  expect(await configs.read('topics.json', isJson)).toBe('{good}');
  await configs.write('topics.json', '{new}');
  expect(await configs.read('topics.json', isJson)).toBe('{new}');
  expect(await configs.read('topics.json.bak', isJson)).toBe('{good}');
});

test('neither readable is told as nothing', async () => {
  const { volume, configs } = setup();
  put(volume, 'topics.json', '{');
  put(volume, 'topics.json.bak', '');
  expect(await configs.read('topics.json', isJson)).toBeUndefined();
});

test('a file that is there and cannot be read is told by its path, and nothing is made up in its place', async () => {
  const { volume, configs } = setup();
  await configs.write('topics.json', '{1}');
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  volume.open = () => {
    throw denied;
  };
  await expect(configs.read('topics.json')).rejects.toMatchObject({
    code: 'RMQ_STORE_UNUSABLE',
    path: `${DIR}/topics.json`,
    cause: denied,
  });
});

test('writes of one name follow one another, and a failed one leaves the next alone', async () => {
  const { volume, configs } = setup();
  await configs.write('a', '{0}');
  volume.fault = (operation) => {
    if (operation === 'sync') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    return undefined;
  };
  const failed = configs.write('a', '{1}');
  await expect(failed).rejects.toMatchObject({ code: 'RMQ_STORE_READ_ONLY', cause: { code: 'EIO' } });
  volume.fault = () => undefined;
  expect(await configs.read('a')).toBe('{0}');
  await Promise.all([configs.write('a', '{2}'), configs.write('a', '{3}'), configs.write('b', '{4}')]);
  await configs.idle();
  expect([await configs.read('a'), await configs.read('a.bak'), await configs.read('b')]).toEqual([
    '{3}',
    '{2}',
    '{4}',
  ]);
});

test('an Apache broker that was killed before it renamed a file leaves the new text, if all of it', async () => {
  const { volume, configs } = setup();
  put(volume, 'a.tmp', '{new}');
  put(volume, 'a.bak', '{old}');
  expect(await configs.read('a', isJson)).toBe('{new}');
  put(volume, 'b.tmp', '{ne');
  put(volume, 'b.bak', '{old}');
  expect(await configs.read('b', isJson)).toBe('{old}');
  put(volume, 'c', '{there}');
  put(volume, 'c.tmp', '{not yet}');
  expect(await configs.read('c', isJson)).toBe('{there}');
});

test('a write that takes nothing fails rather than being tried without end', async () => {
  const { volume, configs } = setup();
  await configs.write('a', '{1}');
  let writes = 0;
  volume.fault = (operation) => {
    if (operation !== 'write') return undefined;
    if (++writes > 10) throw new Error('it goes on and on');
    return 0;
  };
  await expect(configs.write('a', '{2}')).rejects.toMatchObject({ cause: { code: 'EIO' } });
  volume.fault = () => undefined;
  expect(await configs.read('a')).toBe('{1}');
});

test('nothing is written into a directory that was let go', async () => {
  const volume = new FaultyVolume();
  const store = await openMessageStore({ dir: '/data', files: volume, ...SMALL_FILES });
  await store.close();
  await expect(store.writeConfig('a', '{}')).rejects.toMatchObject({ code: 'RMQ_NOT_RUNNING' });
  expect(volume.list('/data/config')).toEqual([]);
});

test('a kill at any step of a write, or a loss of power, leaves the old text or the new one', async () => {
  for (let step = 0; step < 11; step++) {
    const { volume, configs } = setup();
    await configs.write('a', '{0}');
    await configs.write('a', '{1}');
    let steps = 0;
    volume.fault = () => {
      if (steps++ >= step) throw Object.assign(new Error('killed'), { code: 'KILLED' });
      return undefined;
    };
    await configs.write('a', '{2}').catch(() => undefined);
    expect(['{1}', '{2}']).toContain(await on(volume.loseProcess()).read('a', isJson));
    for (const [numbers, last] of [
      [[0.1], 0.1],
      [[0.9], 0.9],
      [[0.1, 0.9, 0.1], 0.9],
      [[0.9, 0.1, 0.9], 0.1],
    ] as const) {
      const rest = [...numbers];
      const after = volume.losePower(() => rest.shift() ?? last);
      expect(['{1}', '{2}']).toContain(await on(after).read('a', isJson));
    }
  }
});
