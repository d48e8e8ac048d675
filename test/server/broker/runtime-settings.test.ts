/** UPDATE_BROKER_CONFIG: what an operator changes while the broker runs, and what not. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseProperties } from '../../../core/remoting/protocol/properties-text.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../core/remoting/protocol/response-codes.js';
import { type ServerParts, serverParts } from '../kit/broker-setup.js';
import { answerTo, bodyText, request } from '../kit/requests.js';
import { invoke, pullFrom, rawClient, runningServer, SMALL_STORE, sendTo } from '../kit/running.js';

function change(parts: ServerParts, text: string) {
  return answerTo(parts.broker, request(RequestCode.UPDATE_BROKER_CONFIG, {}, text));
}

async function config({ broker }: ServerParts) {
  const { body, ext } = await answerTo(broker, request(RequestCode.GET_BROKER_CONFIG)).then((answer) => ({
    body: bodyText(answer),
    ext: answer.ext,
  }));
  return { lines: body.trimEnd().split('\n'), version: JSON.parse(String(ext?.version)) as { counter: number } };
}

describe('settings that are changed', () => {
  test('are shown, count as another version, and go to the store where they are the store’s', async () => {
    const parts = serverParts();
    const text = '#all at once\nautoCreateTopicEnable=false\r\nfileReservedTime=48\ndiskMaxUsedSpaceRatio : 60\n';
    expect(await change(parts, text)).toMatchObject({ code: 0 });
    const { lines, version } = await config(parts);
    expect(lines).toEqual(
      expect.arrayContaining(['autoCreateTopicEnable=false', 'fileReservedTime=48', 'diskMaxUsedSpaceRatio=60']),
    );
    expect(version.counter).toBe(1);
    expect(parts.store.changes).toEqual([{ fileReservedTimeHours: 48, diskMaxUsedSpaceRatio: 0.6 }]);
  });

  test('are all taken or none; those that only a start decides are refused by name', async () => {
    const parts = serverParts();
    const before = await config(parts);
    for (const [text, code, words] of [
      ['traceOn=false\nlistenPort=1', 16, 'Can not update listenPort of a running broker'],
      ['traceOn=false\nstorePathRootDir=/else', 16, 'storePathRootDir'],
      ['traceOn=false\nnothingLikeIt=1', 1, 'there is no config nothingLikeIt'],
      ['traceOn=false\nbrokerPermission=9', 1, 'brokerPermission cannot be 9'],
      ['traceOn=false\nlongPollingEnable=yes', 1, 'longPollingEnable cannot be yes'],
      ['traceOn=false\ntransactionCheckMax=', 1, 'transactionCheckMax cannot be '],
    ] as const) {
      expect(await change(parts, text), text).toMatchObject({ code, remark: expect.stringContaining(words) });
    }
    expect(await config(parts)).toEqual(before);
  });

  test('may be given with all that stays as it is', async () => {
    const parts = serverParts();
    const { lines } = await config(parts);
    const text = lines.join('\n').replace('traceOn=true', 'traceOn=false');
    expect(await change(parts, text)).toMatchObject({ code: 0 });
    expect((await config(parts)).lines).toContain('traceOn=false');
  });
});

async function setup() {
  const server = await runningServer({ store: { ...SMALL_STORE, maxMessageSize: 1_000 } });
  const client = rawClient();
  return {
    server,
    client,
    change: async (text: string) => {
      const answer = await invoke(client, server.brokerAddress, RequestCode.UPDATE_BROKER_CONFIG, {}, text);
      return { code: answer.code, remark: answer.remark };
    },
    route: async (topic: string) => {
      const ext = { topic, acceptStandardJsonOnly: true };
      const { code, body } = await invoke(client, server.nameServers, RequestCode.GET_ROUTEINFO_BY_TOPIC, ext);
      return code === 0 ? (JSON.parse(body.toString()) as { queueDatas: { perm: number }[] }) : undefined;
    },
    send: (topic: string, body = 'x') => sendTo(client, server.brokerAddress, { topic, body }),
  };
}

describe('a running broker', () => {
  test('stops creating topics, and creates them again', async () => {
    const { change, send } = await setup();
    await change('autoCreateTopicEnable=false');
    expect(await send('orders')).toMatchObject({ code: 17 });
    await change('autoCreateTopicEnable=true');
    expect(await send('orders')).toMatchObject({ code: 0 });
  });

  test('is taken out of writing and reading, and put back, in the routes of its topics too', async () => {
    const { change, send, route, client, server } = await setup();
    await send('orders');
    await change('brokerPermission=4');
    expect(await route('orders')).toMatchObject({ queueDatas: [{ perm: 4 }] });
    await change('brokerPermission=2');
    expect(await pullFrom(client, server.brokerAddress)).toMatchObject({ code: 16 });
    await change('brokerPermission=6');
    expect(await route('orders')).toMatchObject({ queueDatas: [{ perm: 6 }] });
    expect(await pullFrom(client, server.brokerAddress)).toMatchObject({ code: 0 });
  });

  test('takes larger messages', async () => {
    const { change, send } = await setup();
    expect(await send('orders', 'x'.repeat(1_001))).toMatchObject({ code: 13 });
    await change('maxMessageSize=1001');
    expect(await send('orders', 'x'.repeat(1_001))).toMatchObject({ code: 0 });
    expect(await change('maxMessageSize=much')).toMatchObject({
      code: 1,
      remark: expect.stringContaining('maxMessageSize'),
    });
    for (const [name, text] of [
      ['deleteWhen', '25'],
      ['fileReservedTime', ''],
      ['fileReservedTime', '-1'],
      ['diskMaxUsedSpaceRatio', '101'],
      ['cleanFileForciblyEnable', 'yes'],
    ]) {
      const remark = expect.stringContaining(`${name}`);
      expect(await change(`${name}=${text}`), `${name}=${text}`).toMatchObject({ code: 1, remark });
    }
  });

  test('shows what its store goes by, in Apache’s units', async () => {
    const { change, client, server } = await setup();
    await change('fileReservedTime=048\ndiskMaxUsedSpaceRatio=7.0e1');
    const { body } = await invoke(client, server.brokerAddress, RequestCode.GET_BROKER_CONFIG);
    const shown = parseProperties(body.toString());
    expect(shown.get('fileReservedTime')).toBe('48');
    expect(shown.get('diskMaxUsedSpaceRatio')).toBe('70');
    expect(shown.get('storePathRootDir')).toBe(server.dir);
    expect([...shown.keys()].filter((name) => /(Ms|Hours|Bytes|FilesMax)$/.test(name))).toEqual([]);
  });

  test('that began without creating topics can be told to', async () => {
    const server = await runningServer({ autoCreateTopicEnable: false });
    const client = rawClient();
    expect(await sendTo(client, server.brokerAddress)).toMatchObject({ code: 17 });
    const text = 'autoCreateTopicEnable=true';
    expect(await invoke(client, server.brokerAddress, RequestCode.UPDATE_BROKER_CONFIG, {}, text)).toMatchObject({
      code: 0,
    });
    expect(await sendTo(client, server.brokerAddress)).toMatchObject({ code: 0 });
  });
});

test('a name server shows its settings, and takes the one that may change', async () => {
  const parts = serverParts();
  const ask = (code: number, text = '') => answerTo(parts.nameServer, request(code, {}, text));
  expect(bodyText(await ask(RequestCode.GET_NAMESRV_CONFIG))).toBe('orderMessageEnable=false\n');
  expect(await ask(RequestCode.UPDATE_NAMESRV_CONFIG, 'orderMessageEnable=true\n')).toMatchObject({ code: 0 });
  expect(bodyText(await ask(RequestCode.GET_NAMESRV_CONFIG))).toBe('orderMessageEnable=true\n');
  for (const [text, code, words] of [
    ['kvConfigPath=/else', 16, 'Can not update config path'],
    ['orderMessageEnable=maybe', 1, 'orderMessageEnable cannot be maybe'],
    ['nothingLikeIt=1', 1, 'there is no config nothingLikeIt'],
  ] as const) {
    expect(await ask(RequestCode.UPDATE_NAMESRV_CONFIG, text)).toMatchObject({ code, remark: words });
  }
});

test('the reference names exactly what can change', async () => {
  const { change, client, server } = await setup();
  const { body } = await invoke(client, server.brokerAddress, RequestCode.GET_BROKER_CONFIG);
  const changeable: string[] = [];
  for (const name of parseProperties(body.toString()).keys()) {
    // No setting can be that; what only a start decides is refused whatever it is to be.
    if ((await change(`${name}=~`)).code !== ResponseCode.NO_PERMISSION) changeable.push(name);
  }
  const reference = readFileSync(new URL('../../../docs/reference/compatibility.md', import.meta.url), 'utf8');
  const [, list = ''] = /What can change: ([^;]*);/.exec(reference) ?? [];
  expect([...list.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(changeable.sort());
});
