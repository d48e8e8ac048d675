import { AsyncLocalStorage, createHook } from 'node:async_hooks';

/** What `setTimeout` and `setInterval` of the machine were called for while `work` went on, by whatever it set off. */
export interface MachineTimers {
  /** Timers that have neither run nor been cleared. */
  readonly left: number;
}

/** Runs `work` and lets it look at the timers of the machine that were set because of it, and of nothing else. */
export async function withMachineTimers<T>(work: (timers: MachineTimers) => Promise<T>): Promise<T> {
  const scope = new AsyncLocalStorage<true>();
  const timers = new Set<number>();
  const hook = createHook({
    init(id, type) {
      if (type === 'Timeout' && scope.getStore() === true) timers.add(id);
    },
    destroy(id) {
      timers.delete(id);
    },
  });
  const counted: MachineTimers = {
    get left() {
      return timers.size;
    },
  };
  hook.enable();
  try {
    return await scope.run(true, () => work(counted));
  } finally {
    hook.disable();
    // A storage that was used stays in the way of every promise and callback of the process until it is disabled (Node before 24).
    scope.disable();
  }
}
