import { readRecord, type StoredRecord } from '../../../core/message/message-record.js';
import { encodeProperties } from '../../../core/message/properties.js';
import { tagsCodeOf } from '../../../core/message/tag-hash.js';
import type { FileMessageStore } from '../../../core/server/store/file-message-store.js';
import type { StoreFiles } from '../../../core/server/store/files/store-files.js';
import type { AppendResult, GetOptions, GetResult, StoreMessage } from '../../../core/server/store/message-store.js';

/** Small files, so that a few messages fill several. */
export const SMALL_FILES = {
  mappedFileSizeCommitLog: 4096,
  mappedFileSizeConsumeQueue: 200,
  maxHashSlotNum: 16,
  maxIndexNum: 50,
} as const;

export interface MessageParts {
  readonly topic?: string;
  readonly queueId?: number;
  readonly body?: string | Uint8Array;
  readonly tag?: string;
  readonly sysFlag?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

export function storeMessage({
  topic = 'orders',
  queueId = 0,
  body = 'hello',
  ...parts
}: MessageParts = {}): StoreMessage {
  const tags: Record<string, string> = parts.tag === undefined ? {} : { TAGS: parts.tag };
  return {
    topic,
    queueId,
    flag: 0,
    sysFlag: parts.sysFlag ?? 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: '127.0.0.1:50000',
    storeHost: '127.0.0.1:10911',
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: typeof body === 'string' ? Buffer.from(body) : body,
    properties: encodeProperties({ ...tags, ...parts.properties }),
    tagsCode: tagsCodeOf(parts.tag),
    waitStored: true,
  };
}

/** Appends in one turn and resolves with the results in order. */
export function appendAll(store: FileMessageStore, messages: readonly StoreMessage[]): Promise<AppendResult[]> {
  return Promise.all(messages.map((message) => new Promise<AppendResult>((done) => store.append(message, done))));
}

export async function append(store: FileMessageStore, parts: MessageParts = {}): Promise<AppendResult> {
  const [result] = await appendAll(store, [storeMessage(parts)]);
  return result!;
}

/** Everything a queue holds, read batch by batch. */
export async function readQueue(
  store: FileMessageStore,
  topic = 'orders',
  queueId = 0,
  options: Partial<GetOptions> = {},
): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  let offset = store.minOffset(topic, queueId);
  for (;;) {
    const result: GetResult = await store.get(topic, queueId, offset, { messagesMax: 32, ...options });
    records.push(...result.records.map((record) => readRecord(record, 0)));
    if (result.nextBeginOffset <= offset) return records;
    offset = result.nextBeginOffset;
  }
}

export function bodiesOf(records: readonly StoredRecord[]): string[] {
  return records.map((record) => record.body.toString());
}

/** Every body of every queue, by `topic/queueId`. */
export async function readEverything(store: FileMessageStore): Promise<Record<string, string[]>> {
  const everything: Record<string, string[]> = {};
  for (const { topic, queueId } of [...store.queues()]) {
    everything[`${topic}/${queueId}`] = bodiesOf(await readQueue(store, topic, queueId));
  }
  return everything;
}

/** Copies a directory as it is at this moment into another, as a snapshot of a machine that lost its process. */
export function copyDirectory(from: StoreFiles, fromPath: string, to: StoreFiles, toPath: string): void {
  to.mkdir(toPath);
  for (const name of from.list(fromPath)) {
    if (name.startsWith('multistage.lock')) continue;
    const source = `${fromPath}/${name}`;
    if (isDirectory(from, source)) copyDirectory(from, source, to, `${toPath}/${name}`);
    else copyFile(from, source, to, `${toPath}/${name}`);
  }
}

function isDirectory(files: StoreFiles, path: string): boolean {
  try {
    files.list(path);
  } catch {
    // `list` of a file fails; of a missing directory it would be empty.
    return false;
  }
  return true;
}

function copyFile(from: StoreFiles, fromPath: string, to: StoreFiles, toPath: string): void {
  const source = from.open(fromPath);
  const target = to.create(toPath, source.sizeBytes);
  const bytes = Buffer.alloc(source.sizeBytes);
  source.readSync(bytes, 0);
  // Only what is not zero, so that a sparse file stays sparse.
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  if (end > 0) target.writevSync([bytes.subarray(0, end)], 0);
  source.close();
  target.close();
}
