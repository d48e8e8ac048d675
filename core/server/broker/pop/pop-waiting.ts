import { inject, injectable } from 'inversify';
import type { ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerService } from '../broker-service.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { HeldPops } from './held-pops.js';

/** Who waits for messages to pop, and who only wants to hear that there are some. */
@injectable()
export class PopWaiting implements BrokerService {
  readonly pops: HeldPops;
  readonly notifications: HeldPops;
  readonly #store: MessageStore;

  constructor(
    @inject(BrokerSettings) { heldPullsMax }: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(Clock) clock: Clock,
  ) {
    this.#store = store;
    this.pops = new HeldPops({ heldMax: heldPullsMax, clock });
    this.notifications = new HeldPops({ heldMax: heldPullsMax, clock });
  }

  load(): Promise<void> {
    this.#store.onArrival((topic, queueId, _queueOffset, tagsCode) => {
      this.pops.arrived(topic, queueId, tagsCode);
      this.notifications.arrived(topic, queueId, tagsCode);
    });
    return Promise.resolve();
  }

  forget(connection: ServerConnection): void {
    this.pops.removeConnection(connection);
    this.notifications.removeConnection(connection);
  }

  /** A topic is gone: nobody waits for it any more. */
  wakeTopic(topic: string): void {
    this.pops.wakeTopic(topic);
    this.notifications.wakeTopic(topic);
  }

  close(): Promise<void> {
    this.pops.close();
    this.notifications.close();
    return Promise.resolve();
  }
}
