import { ContainerModule } from 'inversify';
import { Clock } from '../runtime/clock.js';
import { DeadlineHeap } from '../runtime/deadline-heap.js';
import { Logger, silentLogger } from '../runtime/logger.js';
import { Random } from '../runtime/random.js';
import { Scheduler } from '../runtime/scheduler.js';
import { systemClock } from '../runtime/system-clock.js';
import { partOf } from './part-of.js';
import { Deadlines, Settings, Tasks } from './tokens.js';

export const runtimeModule = new ContainerModule(({ bind }) => {
  bind<Clock>(Clock)
    .toDynamicValue((context) => partOf(context, Settings).clock ?? systemClock)
    .inSingletonScope();
  bind<Logger>(Logger)
    .toDynamicValue((context) => partOf(context, Settings).logger ?? silentLogger)
    .inSingletonScope();
  bind<Random>(Random).toConstantValue(Math.random);
  bind<DeadlineHeap>(Deadlines)
    .toDynamicValue((context) => new DeadlineHeap(partOf(context, Clock)))
    .inSingletonScope();
  bind<Scheduler>(Tasks)
    .toDynamicValue((context) => new Scheduler(partOf(context, Clock), partOf(context, Logger)))
    .inSingletonScope();
});
