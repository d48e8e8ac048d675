import { readRecord, type StoredRecord } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import type { ProcessorsOnDemand } from '../../../core/remoting/processors-on-demand.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { RemotingClient } from '../../../core/remoting/remoting-client.js';
import type { OutgoingResponse, RequestProcessor } from '../../../core/remoting/remoting-server.js';
import { type Logger, silentLogger } from '../../../core/runtime/logger.js';
import { Broker } from '../../../core/server/broker/broker.js';
import { BrokerProcessors } from '../../../core/server/broker/broker-processor.js';
import { BrokerService } from '../../../core/server/broker/broker-service.js';
import { ConsumerOffsetManager } from '../../../core/server/broker/groups/consumer-offset-manager.js';
import type { BrokerSettings } from '../../../core/server/broker/settings/broker-settings.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import { createMemoryStoreFiles } from '../../../core/server/store/files/memory-store-files.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import { openMessageStore } from '../../../core/server/store/open-message-store.js';
import type { StoreOptions } from '../../../core/server/store/store-options.js';
import { type VirtualClock, virtualClock } from '../../../core/testing/virtual-clock.js';
import { brokerContainer } from '../kit/broker-container.js';
import { handlersOf } from '../kit/handlers.js';
import { ask, FakeConnection, request } from '../kit/requests.js';

export const TOPIC = 'orders';

export interface DelayBrokerParts {
  readonly files?: StoreFiles;
  readonly clock?: VirtualClock;
  readonly settings?: Partial<BrokerSettings>;
  readonly store?: Omit<StoreOptions, 'dir'>;
  readonly logger?: Logger;
}

/** A broker without a port, on a store that keeps what it takes and a clock that stands still. */
export class DelayBroker {
  readonly store: FileMessageStore;
  readonly files: StoreFiles;
  readonly clock: VirtualClock;
  readonly #container: ReturnType<typeof brokerContainer>;
  readonly #handlers: Readonly<Record<number, RequestProcessor>>;
  readonly #connection = new FakeConnection();

  static async open(parts: DelayBrokerParts = {}): Promise<DelayBroker> {
    const { files = createMemoryStoreFiles(), clock = virtualClock(), logger = silentLogger } = parts;
    const store = await openMessageStore({
      mappedFileSizeCommitLog: 65_536,
      mappedFileSizeConsumeQueue: 2_000,
      ...parts.store,
      dir: '/data/store',
      files,
      clock,
      logger,
    });
    const broker = new DelayBroker(store, files, clock, parts.settings ?? {}, logger);
    await broker.#container.get(Broker).load();
    for (const service of broker.#container.getAll<BrokerService>(BrokerService)) service.start?.();
    return broker;
  }

  private constructor(
    store: FileMessageStore,
    files: StoreFiles,
    clock: VirtualClock,
    settings: Partial<BrokerSettings>,
    logger: Logger,
  ) {
    this.store = store;
    this.files = files;
    this.clock = clock;
    this.#container = brokerContainer({ store, clock, logger, settings });
    this.#handlers = handlersOf(this.#container.get<ProcessorsOnDemand>(BrokerProcessors));
  }

  ask(
    code: number,
    ext: Readonly<Record<string, string | number | boolean>> = {},
    body = '',
  ): Promise<OutgoingResponse> {
    return ask(this.#handlers, request(code, ext, body), this.#connection).response;
  }

  /** Sends to queue 1; the body is the id. */
  send(id: string, properties: Readonly<Record<string, string | number>> = {}, queueId = 1): Promise<OutgoingResponse> {
    const text = Object.entries({ UNIQ_KEY: id, TAGS: 'paid', ...properties })
      .map(([name, value]) => `${name}\u0001${value}`)
      .join('\u0002');
    const ext = { a: 'PG', b: TOPIC, c: 'TBW102', d: 4, e: queueId, f: 0, g: this.clock.now(), h: 7, i: text, j: 0 };
    return this.ask(RequestCode.SEND_MESSAGE_V2, { ...ext, k: false, m: false }, id);
  }

  recall(recallHandle: string, topic = TOPIC): Promise<OutgoingResponse> {
    return this.ask(RequestCode.RECALL_MESSAGE, { producerGroup: 'PG', topic, recallHandle });
  }

  /** Everything in the first queues of a topic. */
  async read(topic = TOPIC): Promise<StoredRecord[]> {
    const found: StoredRecord[] = [];
    for (let queueId = 0; queueId < 4; queueId++) {
      for (let offset = 0; offset < this.store.maxOffset(topic, queueId); ) {
        const result = await this.store.get(topic, queueId, offset, { messagesMax: 32 });
        found.push(...result.records.map((bytes) => readRecord(bytes, 0)));
        offset = result.nextBeginOffset;
      }
    }
    return found;
  }

  /** Ids of the messages that consumers can read. */
  async delivered(): Promise<string[]> {
    return (await this.read()).map(({ body }) => body.toString());
  }

  async properties(topic = TOPIC): Promise<Readonly<Record<string, string | undefined>>[]> {
    return (await this.read(topic)).map(({ properties }) => ({ ...decodeProperties(properties) }));
  }

  /** As a broker does from time to time. */
  saveOffsets(): Promise<void> {
    return this.#container.get(ConsumerOffsetManager).save();
  }

  /** As a clean stop. */
  async close(): Promise<void> {
    await this.#container.get(Broker).close();
    await this.store.close();
    await this.#container.get<RemotingClient>(RemotingClient).close();
  }

  /** What a killed process leaves running in this one. */
  async forget(): Promise<void> {
    await this.close().catch(() => {});
  }
}
