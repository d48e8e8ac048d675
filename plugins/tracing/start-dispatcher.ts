import type { PluginHost } from '../../core/index.js';
import type { TraceDispatcher } from './trace-dispatcher.js';

const START_TIMEOUT_MS = 5_000;

/** Whether it runs; when it does not, that is logged, and nothing else comes of it. */
export async function startDispatcher(
  dispatcher: TraceDispatcher,
  { clock, logger }: Pick<PluginHost, 'clock' | 'logger'>,
): Promise<boolean> {
  let cancel = (): void => undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      const tooLate = (): void => reject(new Error(`it did not start within ${START_TIMEOUT_MS} ms`));
      const timer = clock.setTimer(START_TIMEOUT_MS, tooLate, { ref: true });
      cancel = () => timer.cancel();
    });
    await Promise.race([dispatcher.start?.(), late]);
    return true;
  } catch (error) {
    logger.warn('the trace dispatcher did not start: nothing is traced', { error });
    return false;
  } finally {
    cancel();
  }
}
