import type { Clock } from '../../../runtime/clock.js';
import type { Logger } from '../../../runtime/logger.js';
import type { Scheduler } from '../../../runtime/scheduler.js';
import type { FlushPolicy } from '../append/flush-policy.js';
import { ZeroFill } from '../commitlog/zero-fill.js';
import type { ResolvedStoreOptions } from '../store-options.js';
import { AsynchronousFlush, type AsynchronousFlushParts } from './asynchronous-flush.js';
import { SynchronousFlush } from './synchronous-flush.js';

export interface FlushParts extends AsynchronousFlushParts {
  readonly options: ResolvedStoreOptions;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What `flushDiskType` asks for. */
export function chooseFlushPolicy({ options, scheduler, clock, logger, ...parts }: FlushParts): FlushPolicy {
  if (options.flushDiskType === 'ASYNC_FLUSH') {
    return new AsynchronousFlush(parts, options.flushIntervalCommitLogMs, scheduler);
  }
  const zeroFill = new ZeroFill(parts.log, logger);
  return new SynchronousFlush({ ...parts, zeroFill, clock, timeoutMs: options.syncFlushTimeoutMs });
}
