import { PullLoop, type PullLoopServices, type PullOptions } from './feeds/pull-loop.js';
import type { QueueFeed } from './feeds/queue-feed.js';
import { PopLoop, type PopLoopOptions } from './pop/pop-loop.js';
import type { PopMode } from './pop/pop-mode.js';
import type { ConsumedQueue } from './queues/consumed-queue.js';

export interface FeedServices extends PullLoopServices {
  readonly options: PullOptions & PopLoopOptions;
  /** Of a consumer that pops. */
  readonly pop: PopMode | undefined;
}

/** Makes what brings the messages of a queue, as it is read. */
export function createFeeds({ pop, ...services }: FeedServices): (consumed: ConsumedQueue) => QueueFeed {
  return (consumed) => {
    if (!consumed.popped || pop === undefined) return new PullLoop(consumed, services);
    return new PopLoop(consumed, {
      ...services,
      hold: (held, messages) => pop.hold(held, messages),
      onLate: (late, messages) => pop.giveBack(late, messages),
    });
  };
}
