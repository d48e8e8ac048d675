/**
 * Requests that Apache's Java client sent to Apache's 4.9.7 servers, sent to ours: each is answered with the same code and
 * the same header fields.
 */
import { describe, expect, test } from 'vitest';
import { FrameDecoder } from '../../core/remoting/protocol/frame-decoder.js';
import { CommandFlag, type RemotingCommand, SerializeType } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { goldenFrames } from '../kit/golden.js';
import { waitFor } from '../kit/wait-for.js';
import { invoke, rawClient, runningServer } from './kit/running.js';

interface Exchange {
  readonly link: 'namesrv' | 'broker';
  readonly request: RemotingCommand;
  readonly response: RemotingCommand | undefined;
}

const frames = goldenFrames();

/** What a client asked in a recording, in its order, with what it was answered. */
function exchangesOf(recording: string): Exchange[] {
  const asked = new Map<string, { link: 'namesrv' | 'broker'; request: RemotingCommand; response?: RemotingCommand }>();
  for (const frame of frames.filter((candidate) => candidate.recording === recording)) {
    const command = decode(frame.bytes);
    const isResponse = (command.flag & CommandFlag.RESPONSE) !== 0;
    if (isResponse !== (frame.from === 'server')) continue;
    const key = `${frame.link} ${frame.conn} ${command.opaque}`;
    if (!isResponse) asked.set(key, { link: frame.link, request: command });
    else Object.assign(asked.get(key) ?? {}, { response: command });
  }
  return [...asked.values()].map(({ link, request, response }) => ({ link, request, response }));
}

function decode(bytes: Buffer): RemotingCommand {
  const commands: RemotingCommand[] = [];
  new FrameDecoder({ onCommand: (command) => commands.push(command) }).push(bytes);
  return commands[0]!;
}

/** Not built yet, or answered by what other recordings left behind. */
const LEFT_OUT: ReadonlySet<number> = new Set([RequestCode.QUERY_MESSAGE, RequestCode.PULL_MESSAGE]);

describe.each([
  'java4.9-json-sync',
  'java4.9-binary-sync',
  'java4.9-json-async',
  'java4.9-json-oneway',
  'java4.9-json-large',
  'java4.9-json-batch',
  'java4.9-binary-batch',
  'java4.9-json-admin',
  'java4.9-binary-admin',
  'java4.9-json-push',
  'java4.9-binary-push',
  'java4.9-json-broadcast',
])('the requests of %s', (recording) => {
  test('are answered as 4.9.7 answered them', async () => {
    const exchanges = exchangesOf(recording);
    const binary = exchanges.some(({ request }) => request.serializeType === SerializeType.ROCKETMQ);
    const server = await runningServer();
    const client = rawClient(undefined, binary ? 'rocketmq' : 'json');
    let compared = 0;
    for (const { link, request, response } of exchanges) {
      const address = link === 'namesrv' ? server.nameServers : server.brokerAddress;
      const { code, ext, body } = request;
      // The recorded broker knew the retry topics of earlier runs.
      if (LEFT_OUT.has(code) || ext.topic?.startsWith('%RETRY%')) continue;
      if (response === undefined) {
        await client.oneway(address, { code, ext, body }, { timeoutMs: 3_000 });
        continue;
      }
      const ask = () => invoke(client, address, code, ext, body);
      const isRoute = code === RequestCode.GET_ROUTEINFO_BY_TOPIC;
      // A route comes to the name server over another connection than the answer that it follows from.
      const ours = isRoute
        ? await waitFor(async () => {
            const answer = await ask();
            return answer.code === response.code ? answer : undefined;
          })
        : await ask();
      const what = `${recording}: ${code} ${JSON.stringify(ext)}`;
      expect(ours.code, what).toBe(response.code);
      // Java's clients pass over it; ours take it for what a broker that calls itself 4.9.7 would not have.
      const more = code === RequestCode.HEART_BEAT ? ['timerWheelEnable'] : [];
      expect(Object.keys(ours.ext).sort(), what).toEqual([...Object.keys(response.ext), ...more].sort());
      if (response.remark !== undefined && response.code !== 0) expect(ours.remark, what).toBe(response.remark);
      if (isRoute && response.code === 0) expect(sortedKeys(ours.body), what).toEqual(sortedKeys(response.body));
      if (isCopied(code)) expect({ ...ours.ext }, what).toEqual({ ...response.ext });
      compared++;
    }
    expect(compared).toBeGreaterThan(4);
  });
});

/** Every name that a JSON body uses, at any depth, once each. */
function sortedKeys(body: Buffer): string[] {
  const names = new Set<string>();
  JSON.parse(body.toString(), (name, value) => {
    if (name !== '' && !/^\d+$/.test(name)) names.add(name);
    return value;
  });
  return [...names].sort();
}

/** Answers that depend on nothing but what the same recording did before. */
function isCopied(code: number): boolean {
  return code === RequestCode.GET_MIN_OFFSET || code === RequestCode.QUERY_CONSUMER_OFFSET;
}
