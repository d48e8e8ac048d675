import { createRemotingClient } from '../../../core/remoting/client.js';
import type { ExtInput, RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import { tcpTransport } from '../../../core/remoting/tcp-transport.js';
import type { Transport } from '../../../core/remoting/transport.js';
import { type RunningServer, type ServerOptions, startServer } from '../../../core/server/index.js';
import { closeAfterTest } from '../../kit/close-after-test.js';
import { tempDir } from '../../kit/temp-dir.js';

/** Small files: a test writes a few messages. */
export const SMALL_STORE = {
  mappedFileSizeCommitLog: 1024 * 1024,
  mappedFileSizeConsumeQueue: 20_000,
  maxHashSlotNum: 1_000,
  maxIndexNum: 10_000,
};

/** A server on free ports of loopback, in a directory of its own unless one is given; stopped after the test. */
export async function runningServer(options: ServerOptions = {}): Promise<RunningServer> {
  const dir = options.dir ?? tempDir();
  const server = await startServer({ nameServerPort: 0, brokerPort: 0, store: SMALL_STORE, ...options, dir });
  return closeAfterTest(server);
}

/** A client that speaks raw requests. */
export function rawClient(
  transport: Transport = tcpTransport,
  headerEncoding: 'json' | 'rocketmq' = 'json',
): RemotingClient {
  return closeAfterTest(createRemotingClient({ transport, headerEncoding }));
}

export function invoke(
  client: RemotingClient,
  address: string,
  code: number,
  ext: ExtInput = {},
  body?: string | Uint8Array,
): Promise<RemotingCommand> {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return client.invoke(address, { code, ext, ...(bytes && { body: bytes }) }, { timeoutMs: 30_000 });
}

/** Sends one message. */
export function sendTo(
  client: RemotingClient,
  address: string,
  { topic = 'orders', queueId = 0, body = 'hello', tag = '' } = {},
): Promise<RemotingCommand> {
  const ext = {
    a: 'PG',
    b: topic,
    c: 'TBW102',
    d: 4,
    e: queueId,
    f: 0,
    g: Date.now(),
    h: 0,
    i: tag === '' ? '' : `TAGS\u0001${tag}`,
    j: 0,
    k: false,
    m: false,
  };
  return invoke(client, address, RequestCode.SEND_MESSAGE_V2, ext, body);
}

/** Pulls with the subscription in the request. */
export function pullFrom(
  client: RemotingClient,
  address: string,
  { topic = 'orders', queueId = 0, offset = 0, tags = '*', suspendMs = 0, group = 'G' } = {},
): Promise<RemotingCommand> {
  const ext = {
    consumerGroup: group,
    topic,
    queueId,
    queueOffset: offset,
    maxMsgNums: 32,
    sysFlag: suspendMs > 0 ? 6 : 4,
    commitOffset: 0,
    suspendTimeoutMillis: suspendMs,
    subscription: tags,
    subVersion: 0,
    expressionType: 'TAG',
  };
  return invoke(client, address, RequestCode.PULL_MESSAGE, ext);
}
