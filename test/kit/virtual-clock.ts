export { type VirtualClock, virtualClock } from '../../core/testing/virtual-clock.js';
