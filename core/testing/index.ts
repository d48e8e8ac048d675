/**
 * The door `multistage/testing`: a server in memory, its time, and its faults, for the tests of an application; and checks
 * for plugins. Works with every test runner.
 * @module
 */
export type { ClaimedChange, ConformanceCheck, ConformanceOptions, MakePlugin } from './conformance/options.js';
export { pluginConformance } from './conformance/plugin-conformance.js';
export type { ConsumerProgress } from './consumer-progress.js';
export type { DelayOptions, DropOptions, Fault, FaultScope, RefuseOptions } from './faults.js';
export type { TestKitOptions } from './kit-options.js';
export type { RequestKind, ResponseKind } from './request-kind.js';
export { type KitConnectOptions, type TestKit, testKit } from './test-kit.js';
export type { MessagesOptions } from './topic-contents.js';
export { type VirtualClock, type VirtualClockOptions, virtualClock } from './virtual-clock.js';
