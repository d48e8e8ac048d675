import { rocketMQError } from '../../../errors/rocketmq-error.js';
import {
  integerMember,
  integerOf,
  listMember,
  optionalStringMember,
  parseBody,
  stringMember,
} from '../../../remoting/protocol/body-fields.js';
import { stringifyJsonDialect } from '../../../remoting/protocol/json-dialect.js';

/** Which checkpoint is meant: what Apache's PopReviveService joins into its merge key. */
export interface CheckpointName {
  readonly topic: string;
  readonly group: string;
  readonly queueId: number;
  readonly startOffset: number;
  /** Milliseconds since 1970. */
  readonly popTime: number;
  readonly brokerName: string;
}

/**
 * Messages of one queue that were handed to a consumer together, and until when they are its own. As text it is a record of
 * the revive topic with the tag `ck`. Matches Apache's PopCheckPoint.
 */
export interface Checkpoint extends CheckpointName {
  readonly invisibleTime: number;
  /** Queue offsets of the messages, in order; at most 32. */
  readonly offsets: readonly number[];
  /** Bit by bit in the order of `offsets`: acknowledged already. */
  readonly ackedBits: number;
}

/** Messages of a checkpoint that a consumer is done with: a record with the tag `ack`, or `bAck` for several. */
export interface Acknowledgement extends CheckpointName {
  readonly offsets: readonly number[];
}

export const ReviveTag = { CHECKPOINT: 'ck', ACK: 'ack', BATCH_ACK: 'bAck' } as const;

/** As many as there are bits for them. A record may say more that no broker wrote: anybody can send to the revive topic. */
const OFFSETS_MAX = 32;

const CHECKPOINT = 'PopCheckPoint';
const ACK = 'AckMsg';

export function checkpointKey({ topic, group, queueId, startOffset, popTime, brokerName }: CheckpointName): string {
  return `${topic}\0${group}\0${queueId}\0${startOffset}\0${popTime}\0${brokerName}`;
}

/** When what is not acknowledged is delivered again, milliseconds since 1970. */
export function reviveTimeOf({ popTime, invisibleTime }: Pick<Checkpoint, 'popTime' | 'invisibleTime'>): number {
  return popTime + invisibleTime;
}

/** Members in the order in which Java writes them. */
export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { topic, group, queueId, startOffset, popTime, brokerName, invisibleTime, offsets, ackedBits } = checkpoint;
  return Buffer.from(
    stringifyJsonDialect({
      bm: ackedBits,
      bn: brokerName,
      c: group,
      d: offsets.map((offset) => offset - startOffset),
      it: invisibleTime,
      n: offsets.length,
      pt: popTime,
      q: queueId,
      ro: 0,
      so: startOffset,
      t: topic,
    }),
  );
}

/** @throws RMQ_BODY_INVALID */
export function decodeCheckpoint(body: Buffer): Checkpoint {
  const object = parseBody(body, CHECKPOINT);
  const startOffset = integerMember(object, 'so', CHECKPOINT);
  const diffs = listMember(object, 'd', CHECKPOINT, integerOf);
  const count = integerMember(object, 'n', CHECKPOINT);
  if (Math.max(count, diffs.length) > OFFSETS_MAX) {
    const words = `${CHECKPOINT} is of ${Math.max(count, diffs.length)} messages, at most ${OFFSETS_MAX} are popped together`;
    throw rocketMQError('RMQ_BODY_INVALID', words, {});
  }
  return {
    topic: stringMember(object, 't', CHECKPOINT),
    group: stringMember(object, 'c', CHECKPOINT),
    queueId: integerMember(object, 'q', CHECKPOINT),
    startOffset,
    popTime: integerMember(object, 'pt', CHECKPOINT),
    brokerName: stringMember(object, 'bn', CHECKPOINT),
    invisibleTime: integerMember(object, 'it', CHECKPOINT),
    // Without differences the offsets follow one another: checkpoints of the first 5.0.
    offsets: diffs.length > 0 ? diffs.map((diff) => startOffset + diff) : run(startOffset, count),
    ackedBits: integerMember(object, 'bm', CHECKPOINT),
  };
}

export function encodeAck(ack: Acknowledgement): Buffer {
  const { topic, group, queueId, startOffset, popTime, brokerName, offsets } = ack;
  const named = { bn: brokerName, c: group, pt: popTime, q: queueId, so: startOffset, t: topic };
  const [only, second] = offsets;
  return Buffer.from(
    stringifyJsonDialect(second === undefined ? { ao: only, ...named } : { ao: -1, aol: offsets, ...named }),
  );
}

/** @throws RMQ_BODY_INVALID */
export function decodeAck(body: Buffer): Acknowledgement {
  const object = parseBody(body, ACK);
  const several = listMember(object, 'aol', ACK, integerOf);
  return {
    topic: stringMember(object, 't', ACK),
    group: stringMember(object, 'c', ACK),
    queueId: integerMember(object, 'q', ACK),
    startOffset: integerMember(object, 'so', ACK),
    popTime: integerMember(object, 'pt', ACK),
    brokerName: optionalStringMember(object, 'bn', ACK) ?? '',
    offsets: several.length > 0 ? several : [integerMember(object, 'ao', ACK)],
  };
}

function run(from: number, count: number): number[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => from + index);
}
