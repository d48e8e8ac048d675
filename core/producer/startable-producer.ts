import type { Producer } from './producer.js';

/** A producer as its client sees it. */
export interface StartableProducer extends Producer {
  /**
   * Joins the group and sends a heartbeat; further calls share the first one's end.
   * @throws RMQ_GROUP_DUPLICATE, and RMQ_NOT_RUNNING with the first failure as cause after a failed start
   */
  start(): Promise<void>;
}
