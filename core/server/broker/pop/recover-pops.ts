import { readRecord, type StoredRecord } from '../../../message/message-record.js';
import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';
import { TIMER_TOPIC } from '../../../message/system-topics.js';
import type { Logger } from '../../../runtime/logger.js';
import type { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import type { MessageStore } from '../message-store.js';
import { decodeCheckpoint, ReviveTag } from './checkpoint.js';
import { REVIVE_GROUP } from './revive-log.js';

const MESSAGES_PER_READ = 32;

export interface RecoverPopsParts {
  readonly store: Pick<MessageStore, 'get' | 'minOffset' | 'maxOffset'>;
  readonly offsets: ConsumerOffsetManager;
  readonly reviveTopic: string;
  readonly logger: Logger;
}

/**
 * After a kill: moves groups behind what was popped since their offsets were saved, as the checkpoints tell that were stored
 * since. Without it messages would be popped twice. Does nothing in a directory that was never popped from.
 */
export async function recoverPops(parts: RecoverPopsParts): Promise<void> {
  const { store, offsets } = parts;
  const mark = offsets.query(REVIVE_GROUP, TIMER_TOPIC, 0);
  if (mark === undefined) return;
  for (let next = Math.max(mark, store.minOffset(TIMER_TOPIC, 0)); next < store.maxOffset(TIMER_TOPIC, 0); ) {
    const asked = store.get(TIMER_TOPIC, 0, next, { messagesMax: MESSAGES_PER_READ });
    const { records, nextBeginOffset } = 'then' in asked ? await asked : asked;
    for (const bytes of records) takeIn(readRecord(bytes, 0), parts);
    if (nextBeginOffset <= next) return;
    next = nextBeginOffset;
  }
}

function takeIn({ properties, body, queueOffset }: StoredRecord, parts: RecoverPopsParts): void {
  const { offsets, reviveTopic, logger } = parts;
  const text = properties.toString();
  if (findProperty(text, PropertyName.REAL_TOPIC) !== reviveTopic) return;
  if (findProperty(text, PropertyName.TAGS) !== ReviveTag.CHECKPOINT) return;
  try {
    const { topic, group, queueId, offsets: popped } = decodeCheckpoint(body);
    const next = Math.max(...popped) + 1;
    if (next > (offsets.query(group, topic, queueId) ?? -1)) offsets.commitRecorded(group, topic, queueId, next);
  } catch (error) {
    logger.error('a note of popped messages cannot be read', { topic: TIMER_TOPIC, queueOffset, error });
  }
}
