import { readRecords } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import type { RemotingClient } from '../../../core/remoting/remoting-client.js';
import type { RunningServer, ServerOptions } from '../../../core/server/index.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import { type VirtualClock, virtualClock } from '../../kit/virtual-clock.js';
import { invoke, pullFrom, rawClient, runningServer, SMALL_STORE } from '../kit/running.js';

export interface DelaySetup {
  readonly server: RunningServer;
  readonly clock: VirtualClock;
  readonly files: StoreFiles;
  readonly client: RemotingClient;
  /** The broker's. */
  readonly address: string;
  /** Sends to topic `orders`, queue 0; gives the answer's fields. */
  send(body: string, properties?: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>;
  /** Bodies in topic `orders`, queue 0. */
  stored(): Promise<string[]>;
  /** Properties of the messages there. */
  storedProperties(): Promise<Readonly<Record<string, string | undefined>>[]>;
}

/** A server on a memory of its own and a clock that stands still. */
export async function delaySetup(
  options: ServerOptions = {},
  { clock = virtualClock(), files = createMemoryStoreFiles() }: { clock?: VirtualClock; files?: StoreFiles } = {},
): Promise<DelaySetup> {
  const server = await runningServer({
    clock,
    ...options,
    store: { ...SMALL_STORE, files, ...(options.store as object) },
  });
  const client = rawClient();
  const address = server.brokerAddress;
  let sent = 0;
  const records = async () => {
    const all = [];
    for (;;) {
      const answer = await pullFrom(client, address, { offset: all.length });
      if (answer.code !== 0) return all;
      all.push(...readRecords(answer.body));
    }
  };
  return {
    server,
    clock,
    files,
    client,
    address,
    async send(body, properties = {}) {
      const text = Object.entries({ UNIQ_KEY: `id-${sent++}`, ...properties })
        .map(([name, value]) => `${name}\u0001${value}`)
        .join('\u0002');
      const ext = {
        a: 'PG',
        b: 'orders',
        c: 'TBW102',
        d: 4,
        e: 0,
        f: 0,
        g: clock.now(),
        h: 0,
        i: text,
        j: 0,
        k: false,
        m: false,
      };
      const answer = await invoke(client, address, RequestCode.SEND_MESSAGE_V2, ext, body);
      return { ...answer.ext, code: String(answer.code), remark: answer.remark ?? '' };
    },
    stored: async () => (await records()).map(({ body }) => body.toString()),
    storedProperties: async () => (await records()).map(({ properties }) => decodeProperties(properties)),
  };
}
