import type { MessageQueue } from '../message/message.js';
import { LocalOffsetStore } from './broadcasting/local-offset-store.js';
import { localOffsetsDir } from './broadcasting/local-offsets-dir.js';
import type { ConsumerServices } from './consumer.js';
import type { OffsetStore } from './offsets/offset-store.js';
import type { ConsumerEvents } from './report/consumer-events.js';

export interface OffsetStoreFacts {
  /** The group as the application writes it. */
  readonly group: string;
  /** The group on the wire. */
  readonly wireGroup: string;
  readonly messageModel: 'clustering' | 'broadcasting';
  readonly localOffsetStoreDir: string | undefined;
  readonly events: ConsumerEvents;
  /** Told of every position that was stored. */
  readonly onPersisted?: (queue: MessageQueue, offset: number) => void;
}

/** At the brokers in clustering; in a file of this machine where every member keeps its own. */
export function createOffsetStore(facts: OffsetStoreFacts, services: ConsumerServices): OffsetStore {
  const { group, wireGroup, events } = facts;
  const { names, clock, logger, membership } = services;
  const onPersisted = (queue: MessageQueue, offset: number): void => {
    facts.onPersisted?.(queue, offset);
    if (!events.observed) return;
    events.emit({ type: 'committed', queue: { ...queue, topic: names.topicFromWire(queue.topic) }, offset });
  };
  if (facts.messageModel === 'clustering') return services.offsetStore({ group: wireGroup, onPersisted });
  const dir = localOffsetsDir(facts.localOffsetStoreDir, membership.clientId, wireGroup);
  return new LocalOffsetStore({ dir, group, clock, logger, onPersisted });
}
