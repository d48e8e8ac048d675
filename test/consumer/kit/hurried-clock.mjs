/** See hurried-clock.d.mts. */
export function hurriedClock(times) {
  return {
    now: () => Math.floor(performance.timeOrigin + performance.now() * times),
    monotonic: () => performance.now() * times,
    setTimer: (delayMs, callback, { ref = false } = {}) => {
      const timeout = setTimeout(callback, delayMs / times);
      if (!ref) timeout.unref();
      return { cancel: () => clearTimeout(timeout) };
    },
  };
}
