/**
 * What the event loop is asked for, as it was when this package was loaded: who fakes it later with a test runner stops his
 * own timers, and not the messages of a test kit.
 */
export const { clearImmediate, clearTimeout, performance, queueMicrotask, setImmediate, setTimeout } = globalThis;
