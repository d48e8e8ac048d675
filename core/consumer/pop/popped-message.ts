import { readRecord } from '../../message/message-record.js';
import { decodeProperties } from '../../message/properties.js';
import { PropertyName } from '../../message/property-names.js';
import { PulledMessage } from '../queues/pulled-message.js';
import { originOf, parseReceipt, type Receipt } from './receipt.js';

/** What all messages of one pop share. */
export interface PopStamp {
  /** The group on the wire. */
  readonly group: string;
  readonly brokerName: string;
  readonly popTime: number;
  readonly invisibleTimeMs: number;
  readonly reviveQueueId: number;
  /** The first offset of each queue, by origin and queue id: `0 3`. */
  readonly startOffsets: ReadonlyMap<string, number>;
}

/** A record as a pop brought it: nobody else gets it until its invisible time is over. */
export class PoppedMessage extends PulledMessage {
  /** Monotonic milliseconds, set when it comes. */
  invisibleUntilMs = 0;
  /** A handler has it; otherwise it waits for one. */
  taken = false;
  /** Monotonic milliseconds since which that is so. */
  sinceMs = 0;
  /** It was told of once that its invisible time is over. */
  expired = false;
  /** Ends when the prolongation under way has; what is said of the message waits for it, for it changes the receipt. */
  renewing: Promise<void> | undefined = undefined;
  readonly #stamp: PopStamp;
  #receipt: Receipt | undefined;

  constructor(records: Buffer, position: number, sizeBytes: number, queueOffset: number, stamp: PopStamp) {
    super(records, position, sizeBytes, queueOffset);
    this.#stamp = stamp;
  }

  /** How often it came before, also of one whose body cannot be read; 0 where the record itself cannot be. */
  get reconsumeTimes(): number {
    if (this.message !== undefined) return this.message.reconsumeTimes;
    try {
      return readRecord(this.records, this.position).reconsumeTimes;
    } catch {
      return 0;
    }
  }

  /** @throws RMQ_BODY_INVALID for a record that cannot be read */
  get receipt(): Receipt {
    this.#receipt ??= this.#stampedBy() ?? this.#fromStamp();
    return this.#receipt;
  }

  set receipt(receipt: Receipt) {
    this.#receipt = receipt;
  }

  /**
   * What comes again lies in another topic than it says, so its broker writes the receipt into it. One of another pop was
   * copied by whoever sent the message.
   */
  #stampedBy(): Receipt | undefined {
    const { properties } = readRecord(this.records, this.position);
    if (!properties.includes(PropertyName.POP_CK)) return undefined;
    const text = decodeProperties(properties)[PropertyName.POP_CK];
    const receipt = text === undefined ? undefined : parseReceipt(text, this.queueOffset);
    return receipt?.popTime === this.#stamp.popTime ? receipt : undefined;
  }

  #fromStamp(): Receipt {
    const { group, brokerName, popTime, invisibleTimeMs, reviveQueueId, startOffsets } = this.#stamp;
    const { topic, queueId } = readRecord(this.records, this.position);
    const origin = originOf(topic, group);
    const { queueOffset } = this;
    const startOffset = startOffsets.get(`${origin} ${queueId}`) ?? queueOffset;
    return { startOffset, popTime, invisibleTimeMs, reviveQueueId, origin, brokerName, queueId, queueOffset };
  }
}
