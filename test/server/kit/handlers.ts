import type { Processor, ProcessorsOnDemand } from '../../../core/remoting/processors-on-demand.js';

/** Every handler of these processors, by request code. */
export function handlersOf(processors: ProcessorsOnDemand): Processor['handlers'] {
  return Object.assign({}, ...[...processors.values()].map((processor) => processor().handlers));
}
