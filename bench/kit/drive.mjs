import { summarise } from './raw-echo.mjs';

/**
 * Keeps `depth` calls of `send` in flight for `durationMs` and waits for the last of them.
 * @param {() => Promise<unknown>} send @param {import('./raw-echo.mjs').EchoLoad} load
 * @returns {Promise<import('./raw-echo.mjs').EchoResult>}
 */
export async function drive(send, { depth, durationMs }) {
  const latenciesMs = [];
  const beginMs = performance.now();
  const endMs = beginMs + durationMs;
  const loop = async () => {
    for (let startMs = performance.now(); startMs < endMs; ) {
      await send();
      const nowMs = performance.now();
      latenciesMs.push(nowMs - startMs);
      startMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: depth }, loop));
  return summarise(latenciesMs, performance.now() - beginMs);
}
