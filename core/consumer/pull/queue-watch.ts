import { isRocketMQError } from '../../errors/rocketmq-error.js';
import type { MessageQueue } from '../../message/message.js';
import type { Logger } from '../../runtime/logger.js';
import type { PeriodicTask, Scheduler } from '../../runtime/scheduler.js';
import { queueKey } from '../queues/consumed-queue.js';

/** Told of the queues of a topic, as they are now, when they are others than before. */
export type QueuesListener = (queues: readonly MessageQueue[]) => unknown;

export interface QueueWatchServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly intervalMs: number;
  /** Queues of a topic as the application writes it, asked for anew. */
  readonly queuesOf: (topic: string) => Promise<readonly MessageQueue[]>;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

interface Watched {
  readonly listeners: Set<{ readonly listener: QueuesListener }>;
  keys: string;
}

/** Looks at the queues of topics now and then. Matches registerTopicMessageQueueChangeListener of Apache's DefaultLitePullConsumer. */
export class QueueWatch {
  readonly #services: QueueWatchServices;
  readonly #watched = new Map<string, Watched>();
  #task: PeriodicTask | undefined;
  #stopped = false;

  constructor(services: QueueWatchServices) {
    this.#services = services;
  }

  /** Returns a way to stop. @throws what asking for the queues throws; a topic that does not exist has none yet */
  async listen(topic: string, listener: QueuesListener): Promise<() => void> {
    const { scheduler, group, intervalMs } = this.#services;
    const keys = keysOf(await this.#queuesOf(topic));
    if (this.#stopped) return () => {};
    const watched = this.#watched.get(topic) ?? { listeners: new Set(), keys };
    this.#watched.set(topic, watched);
    const entry = { listener };
    watched.listeners.add(entry);
    this.#task ??= scheduler.every(`queues watched by ${group}`, { periodMs: intervalMs }, () => this.#look());
    return () => {
      watched.listeners.delete(entry);
      if (watched.listeners.size === 0 && this.#watched.get(topic) === watched) this.#watched.delete(topic);
    };
  }

  stop(): void {
    this.#stopped = true;
    this.#task?.cancel();
    this.#watched.clear();
  }

  async #look(): Promise<void> {
    const { logger, group } = this.#services;
    for (const [topic, watched] of this.#watched) {
      let queues: readonly MessageQueue[];
      try {
        queues = await this.#queuesOf(topic);
      } catch (error) {
        logger.debug('the queues of a topic could not be asked for', { group, topic, error });
        continue;
      }
      const keys = keysOf(queues);
      if (keys === watched.keys) continue;
      watched.keys = keys;
      for (const { listener } of watched.listeners) this.#tell(topic, listener, queues);
    }
  }

  #tell(topic: string, listener: QueuesListener, queues: readonly MessageQueue[]): void {
    const { logger, group } = this.#services;
    const failed = (error: unknown): void => logger.error('a listener of queues failed', { group, topic, error });
    try {
      Promise.resolve(listener(queues)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #queuesOf(topic: string): Promise<readonly MessageQueue[]> {
    try {
      return await this.#services.queuesOf(topic);
    } catch (error) {
      if (isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND')) return [];
      throw error;
    }
  }
}

function keysOf(queues: readonly MessageQueue[]): string {
  return queues.map(queueKey).sort().join('\n\n');
}
