import type { CommitLog } from '../commitlog/commit-log.js';
import type { ConsumeQueues } from '../consumequeue/consume-queues.js';
import type { StoreFiles } from '../files/store-files.js';
import { readFile, writeFile } from '../files/whole-file.js';

interface Census {
  readonly commitLogStart: number;
  readonly commitLogEnd: number;
  readonly queues: readonly (readonly [topic: string, queueId: number, minOffset: number, maxOffset: number])[];
}

/**
 * The file `multistage.queues`, written by a clean stop: which queues there are and how far they reach. After a clean stop
 * queues are trusted, and nothing else would tell that the directory of one is gone or that a file of it was lost: its
 * messages would be invisible for good, and new ones begin at offset 0. Apache's brokers leave the file alone.
 */
export class QueueCensus {
  readonly #path: string;
  readonly #files: StoreFiles;

  constructor(path: string, files: StoreFiles) {
    this.#path = path;
    this.#files = files;
  }

  async take(log: CommitLog, queues: ConsumeQueues): Promise<void> {
    const census: Census = {
      commitLogStart: log.startOffset,
      commitLogEnd: log.endOffset,
      queues: [...queues]
        // A queue whose only messages were refused, or have no place in it, has no files to be missed.
        .filter(({ maxOffset }) => maxOffset > 0)
        .map(({ topic, queueId, minOffset, maxOffset }) => [topic, queueId, minOffset, maxOffset]),
    };
    await writeFile(this.#files, this.#path, Buffer.from(JSON.stringify(census)));
  }

  /**
   * Whether a queue that the last clean stop saw is not there any more, or not all of it. Where another broker wrote or
   * removed messages since, nobody can tell: that is no.
   */
  isMissingAny(log: CommitLog, queues: ConsumeQueues): boolean {
    const bytes = readFile(this.#files, this.#path);
    const census = bytes && censusIn(bytes.toString());
    if (census === undefined || census.commitLogStart !== log.startOffset) return false;
    for (const queue of queues) if (queue.commitLogEnd > census.commitLogEnd) return false;
    return census.queues.some(([topic, queueId, minOffset, maxOffset]) => {
      const queue = queues.find(topic, queueId);
      return queue === undefined || queue.minOffset > minOffset || queue.maxOffset < maxOffset;
    });
  }
}

function censusIn(text: string): Census | undefined {
  try {
    const { commitLogStart, commitLogEnd, queues } = JSON.parse(text) as Partial<Census>;
    if (typeof commitLogStart !== 'number' || typeof commitLogEnd !== 'number') return undefined;
    const isRow = (row: unknown): boolean => Array.isArray(row) && row.length === 4;
    return Array.isArray(queues) && queues.every(isRow) ? { commitLogStart, commitLogEnd, queues } : undefined;
  } catch {
    // Damaged: then the queues are trusted as they are.
    return undefined;
  }
}
