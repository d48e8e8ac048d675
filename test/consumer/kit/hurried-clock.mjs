/** See hurried-clock.d.mts. */
export function hurriedClock(times, passedMs = () => performance.now()) {
  return {
    now: () => Math.floor(performance.timeOrigin + passedMs() * times),
    monotonic: () => passedMs() * times,
    setTimer: (delayMs, callback, { ref = false } = {}) => {
      const timeout = setTimeout(callback, delayMs / times);
      if (!ref) timeout.unref();
      return { cancel: () => clearTimeout(timeout) };
    },
  };
}
