import type { PluginHost } from '../../core/index.js';
import type { TraceDispatcher } from './trace-dispatcher.js';

const START_TIMEOUT_MS = 5_000;
/** Of what a plugin's step may take: what does not start is to be a warning, not a client that cannot connect. */
const STEP_SHARE = 0.8;

/** The dispatcher, which a plugin `boundBy` may have bound, and which runs; undefined when it could not be made or does not start: that is logged, and nothing else comes of it. */
export async function startDispatcher(
  make: () => TraceDispatcher,
  { clock, logger, stepTimeoutMs }: Pick<PluginHost, 'clock' | 'logger' | 'stepTimeoutMs'>,
  boundBy?: string,
): Promise<TraceDispatcher | undefined> {
  const timeoutMs = Math.min(START_TIMEOUT_MS, STEP_SHARE * stepTimeoutMs);
  let cancel = (): void => undefined;
  try {
    const dispatcher = make();
    const starting = dispatcher.start?.();
    const late = new Promise<never>((_, reject) => {
      const tooLate = (): void => {
        reject(new Error(`it did not start within ${timeoutMs} ms`));
        // One that starts after all has to end, too: nobody uses it.
        Promise.resolve(starting)
          .then(() => dispatcher.close?.())
          .catch((error: unknown) => logger.debug('the trace dispatcher that was late failed', { error, boundBy }));
      };
      const timer = clock.setTimer(timeoutMs, tooLate, { ref: true });
      cancel = () => timer.cancel();
    });
    await Promise.race([starting, late]);
    return dispatcher;
  } catch (error) {
    logger.warn('the trace dispatcher did not start: nothing is traced', { error, boundBy });
    return undefined;
  } finally {
    cancel();
  }
}
