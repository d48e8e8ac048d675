import { ContainerModule } from 'inversify';
import { FaultStrategy, noFaultStrategy } from '../pipeline/fault-strategy.js';
import { sendStageBindings } from '../pipeline/stages/index.js';

/** The stages are transient: each producer resolves its own, from a child container that knows the producer. */
export const pipelineModule = new ContainerModule(({ bind }) => {
  for (const [stage, type] of sendStageBindings) bind(stage).to(type).inTransientScope();
  bind<FaultStrategy>(FaultStrategy).toConstantValue(noFaultStrategy);
});
