import { readRecord, type StoredRecord } from '../../../core/message/message-record.js';
import { decodeProperties } from '../../../core/message/properties.js';
import type { ProcessorsOnDemand } from '../../../core/remoting/processors-on-demand.js';
import type { OutgoingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { RemotingClient } from '../../../core/remoting/remoting-client.js';
import type { OutgoingResponse, RequestProcessor } from '../../../core/remoting/remoting-server.js';
import { type Logger, silentLogger } from '../../../core/runtime/logger.js';
import { Broker } from '../../../core/server/broker/broker.js';
import { BrokerProcessors } from '../../../core/server/broker/broker-processor.js';
import { BrokerService } from '../../../core/server/broker/broker-service.js';
import { ProducerRegistry } from '../../../core/server/broker/clients/producer-registry.js';
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

const GROUP = 'payers';
const TOPIC = 'orders';
export const HALF = 'RMQ_SYS_TRANS_HALF_TOPIC';
export const OPS = 'RMQ_SYS_TRANS_OP_HALF_TOPIC';
export const DISCARDED = 'TRANS_CHECK_MAX_TIME_TOPIC';
export const COMMIT = 8;
export const ROLLBACK = 12;

/** Where a half message lies, as its sender or whoever is asked about it knows. */
export interface HalfAt {
  readonly id: string;
  readonly group: string;
  readonly commitLogOffset: number;
  readonly queueOffset: number;
}

export interface BrokerParts {
  readonly files?: StoreFiles;
  readonly clock?: VirtualClock;
  readonly settings?: Partial<BrokerSettings>;
  readonly store?: Omit<StoreOptions, 'dir'>;
  readonly logger?: Logger;
  /** Called when the store is open and the broker has not looked into it yet. */
  readonly beforeLoad?: (store: FileMessageStore) => void;
}

/** A broker without a port, on a store that keeps what it takes and a clock that stands still. */
export class TransactionBroker {
  readonly store: FileMessageStore;
  readonly clock: VirtualClock;
  readonly #container: ReturnType<typeof brokerContainer>;
  readonly #handlers: Readonly<Record<number, RequestProcessor>>;
  /** The producer that sends and is asked. */
  readonly producer = new FakeProducer();

  static async open(parts: BrokerParts = {}): Promise<TransactionBroker> {
    const { files = createMemoryStoreFiles(), clock = virtualClock(), logger = silentLogger } = parts;
    const store = await openMessageStore({
      mappedFileSizeCommitLog: 65_536,
      mappedFileSizeConsumeQueue: 2_000,
      maxHashSlotNum: 100,
      maxIndexNum: 1_000,
      ...parts.store,
      dir: '/data/store',
      files,
      clock,
      logger,
    });
    const broker = new TransactionBroker(store, clock, parts.settings ?? {}, logger);
    parts.beforeLoad?.(store);
    await broker.#container.get(Broker).load();
    for (const service of broker.#container.getAll<BrokerService>(BrokerService)) service.start?.();
    broker.join(broker.producer);
    return broker;
  }

  private constructor(store: FileMessageStore, clock: VirtualClock, settings: Partial<BrokerSettings>, logger: Logger) {
    this.store = store;
    this.clock = clock;
    this.#container = brokerContainer({ store, clock, logger, settings });
    this.#handlers = handlersOf(this.#container.get<ProcessorsOnDemand>(BrokerProcessors));
  }

  get offsets(): ConsumerOffsetManager {
    return this.#container.get(ConsumerOffsetManager);
  }

  /** Makes a producer known as a member of a group. */
  join(connection: FakeProducer, group = GROUP): void {
    const channel = { connection, clientId: `client ${connection.id}`, language: 0, version: 407 };
    this.#container.get(ProducerRegistry).register(group, { ...channel, lastHeardMs: 0 }, this.clock.monotonic());
  }

  leave(connection: FakeProducer, group = GROUP): void {
    this.#container.get(ProducerRegistry).unregister(group, connection);
  }

  /** Sends a message with TRAN_MSG; the answer as it came. */
  send(id: string, parts: { readonly properties?: string; readonly ext?: Record<string, unknown> } = {}) {
    const properties = `UNIQ_KEY\u0001${id}\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002TRAN_MSG\u0001true\u0002PGROUP\u0001${GROUP}`;
    const ext = {
      a: GROUP,
      b: TOPIC,
      c: 'TBW102',
      d: 4,
      e: 1,
      f: 4,
      g: this.clock.now(),
      h: 7,
      i: parts.properties === undefined ? properties : `${properties}\u0002${parts.properties}`,
      j: 0,
      k: false,
      m: false,
      ...parts.ext,
    };
    const asked = ask(this.#handlers, request(RequestCode.SEND_MESSAGE_V2, ext, id), this.producer);
    return asked.response;
  }

  /** Sends a half message that is taken. */
  async half(id: string, properties?: string, ext: Record<string, unknown> = {}): Promise<HalfAt> {
    const response = await this.send(id, properties === undefined ? { ext } : { properties, ext });
    if (response.code !== 0) throw new Error(`code ${response.code}: ${response.remark}`);
    const { msgId, queueOffset } = response.ext as { msgId: string; queueOffset: number };
    return { id, group: GROUP, commitLogOffset: Number(`0x${msgId.slice(16)}`), queueOffset };
  }

  /** Ends a transaction and waits for the answer. */
  end(half: HalfAt, commitOrRollback: number, ext: Record<string, unknown> = {}): Promise<OutgoingResponse> {
    return this.tell(half, commitOrRollback, ext).response;
  }

  /** Ends a transaction; it may be that nothing is answered. */
  tell(half: HalfAt, commitOrRollback: number, ext: Record<string, unknown> = {}) {
    const header = {
      producerGroup: half.group,
      tranStateTableOffset: half.queueOffset,
      commitLogOffset: half.commitLogOffset,
      commitOrRollback,
      fromTransactionCheck: false,
      msgId: half.id,
      ...ext,
    };
    return ask(this.#handlers, request(RequestCode.END_TRANSACTION, header as never), this.producer);
  }

  resumeCheck(msgId: string): Promise<OutgoingResponse> {
    return ask(this.#handlers, request(RequestCode.RESUME_CHECK_HALF_MESSAGE, { msgId }), this.producer).response;
  }

  deleteTopic(topic: string): Promise<OutgoingResponse> {
    return ask(this.#handlers, request(RequestCode.DELETE_TOPIC_IN_BROKER, { topic }), this.producer).response;
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

  async bodies(topic = TOPIC): Promise<string[]> {
    return (await this.read(topic)).map(({ body }) => body.toString());
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

/** A producer that remembers about what it was asked. */
export class FakeProducer extends FakeConnection {
  readonly checks: (HalfAt & { readonly record: StoredRecord; readonly ext: Readonly<Record<string, unknown>> })[] = [];

  override oneway(command: OutgoingCommand): void {
    super.oneway(command);
    if (command.code !== RequestCode.CHECK_TRANSACTION_STATE) return;
    const ext = command.ext as Record<string, never>;
    const record = readRecord(Buffer.from(command.body as Uint8Array), 0);
    this.checks.push({
      id: ext.msgId!,
      group: decodeProperties(record.properties).PGROUP!,
      commitLogOffset: Number(ext.commitLogOffset),
      queueOffset: Number(ext.tranStateTableOffset),
      record,
      ext,
    });
  }
}
