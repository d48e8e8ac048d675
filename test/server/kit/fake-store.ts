import type { StoredRecord } from '../../../core/message/message-record.js';
import type {
  AppendBatchResult,
  AppendResult,
  AppendStatus,
  ArrivalListener,
  GetOptions,
  GetResult,
  MessageQuery,
  MessageStore,
  QueryResult,
  QueueEntries,
  RuntimeStoreSettings,
  StoreMessage,
  StoreStatistics,
  TimeBoundary,
} from '../../../core/server/broker/message-store.js';

const NOTHING: GetResult = {
  status: 'NO_MESSAGE_IN_QUEUE',
  records: [],
  nextBeginOffset: 0,
  minOffset: 0,
  maxOffset: 0,
};

/** A store that keeps nothing: it answers what a test tells it to, and remembers what it was asked. */
export class FakeStore implements MessageStore {
  readonly appended: StoreMessage[] = [];
  readonly got: { readonly topic: string; readonly queueId: number; readonly offset: number; options: GetOptions }[] =
    [];
  readonly queries: MessageQuery[] = [];
  /** By their place in the log. */
  readonly records = new Map<number, StoredRecord>();
  queryResult: QueryResult = { records: [], indexLastUpdateTimestamp: 5, indexLastUpdateOffset: 6 };
  readonly configs = new Map<string, string>();
  readonly writes: string[] = [];
  readonly deletedTopics: string[] = [];
  settings = { fileReservedTimeHours: 72, deleteWhen: '04', diskMaxUsedSpaceRatio: 0.75 };
  readonly changes: RuntimeStoreSettings[] = [];
  readonly #listeners: ArrivalListener[] = [];
  /** Held while set: nothing of `config/` is written before it resolves. */
  writing: Promise<void> | undefined;
  failWrites = false;
  status: AppendStatus = 'PUT_OK';
  next: GetResult | Promise<GetResult> | (() => GetResult | Promise<GetResult>) = NOTHING;
  min = 0;
  max = 0;
  cold = false;
  refusal: string | undefined;
  readonly cleaning = { removeExpired: () => Promise.resolve(), cleanQueues: () => Promise.resolve() };
  statistics: StoreStatistics = {
    commitLogMinOffset: 0,
    commitLogMaxOffset: 4_225,
    flushedOffset: 4_000,
    earliestStoreTimestamp: 1_700_000_000_000,
    newestStoreTimestamp: 1_700_000_000_000,
    messagesPut: 18,
    bytesPut: 4_225,
    putFailures: 2,
    messagesGot: 5,
    diskUsedRatio: 0.16,
    openFiles: 3,
  };

  append(message: StoreMessage, done: (result: AppendResult) => void): void {
    const queueOffset = this.appended.filter(
      ({ topic, queueId }) => topic === message.topic && queueId === message.queueId,
    ).length;
    this.appended.push({ ...message, body: Buffer.from(message.body) });
    const stored = this.status === 'PUT_OK' || this.status === 'FLUSH_DISK_TIMEOUT';
    done({
      status: this.status,
      commitLogOffset: stored ? 1_234 : -1,
      queueOffset: stored ? queueOffset : -1,
      storeTimestamp: 1_700_000_000_000,
    });
  }

  appendBatch(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    const results: AppendResult[] = [];
    for (const message of messages) this.append(message, (result) => results.push(result));
    const [first] = results;
    const stored = (first?.commitLogOffset ?? -1) >= 0;
    done({
      status: first?.status ?? 'MESSAGE_ILLEGAL',
      commitLogOffsets: stored ? results.map(({ commitLogOffset }, index) => commitLogOffset + index) : [],
      queueOffset: first?.queueOffset ?? -1,
      storeTimestamp: first?.storeTimestamp ?? 0,
    });
  }

  appendTogether(messages: readonly StoreMessage[], done: (result: AppendBatchResult) => void): void {
    this.appendBatch(messages, done);
  }

  flushTurn(): void {}

  get(topic: string, queueId: number, offset: number, options: GetOptions): GetResult | Promise<GetResult> {
    this.got.push({ topic, queueId, offset, options });
    return typeof this.next === 'function' ? this.next() : this.next;
  }

  minOffset(): number {
    return this.min;
  }

  maxOffset(): number {
    return this.max;
  }

  offsetByTime(
    _topic: string,
    _queueId: number,
    timestampMs: number,
    boundary: TimeBoundary = 'nearest',
  ): Promise<number> {
    const shift = { nearest: 0, lower: 1, upper: 2 }[boundary];
    return Promise.resolve((timestampMs > 1_000 ? 7 : 3) + shift);
  }

  storeTimeAt(_topic: string, _queueId: number, offset: number): Promise<number | undefined> {
    return Promise.resolve(offset < this.max ? 1_700_000_000_000 + offset : undefined);
  }

  isCold(): boolean {
    return this.cold;
  }

  query(query: MessageQuery): Promise<QueryResult> {
    this.queries.push(query);
    return Promise.resolve(this.queryResult);
  }

  recordAt(commitLogOffset: number): StoredRecord | undefined {
    return this.records.get(commitLogOffset);
  }

  visit(): void {}

  entries(_topic: string, _queueId: number, offset: number): QueueEntries {
    return { offset, entries: [] };
  }

  scan(): Promise<void> {
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  readTimerCheck(): undefined {
    return undefined;
  }

  writeTimers(): Promise<void> {
    return Promise.resolve();
  }

  keep(): void {}

  onArrival(listener: ArrivalListener): void {
    this.#listeners.push(listener);
  }

  arrive(topic: string, queueId: number, queueOffset: number, tagsCode = 0): void {
    for (const listener of this.#listeners) listener(topic, queueId, queueOffset, tagsCode);
  }

  change(settings: RuntimeStoreSettings): void {
    this.changes.push(settings);
    this.settings = { ...this.settings, ...settings };
  }

  deleteTopic(topic: string): void {
    this.deletedTopics.push(topic);
  }

  queues(): Iterable<{ readonly topic: string; readonly queueId: number }> {
    return [];
  }

  readConfig(name: string, isWhole: (text: string) => boolean = () => true): Promise<string | undefined> {
    const text = [this.configs.get(name), this.configs.get(`${name}.bak`)].find(
      (candidate) => candidate !== undefined && isWhole(candidate),
    );
    return Promise.resolve(text);
  }

  async writeConfig(name: string, text: string): Promise<void> {
    await this.writing;
    if (this.failWrites) throw new Error('the disk is full');
    this.writes.push(name);
    this.configs.set(name, text);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
