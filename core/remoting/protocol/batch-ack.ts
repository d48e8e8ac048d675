import { formatBody, integerMember, listMember, objectOf, parseBody, stringMember } from './body-fields.js';

/** Messages of one pop and queue that a consumer is done with. Matches Apache's BatchAck (5.x). */
export interface BatchAck {
  readonly consumerGroup: string;
  /** The topic that was asked for. */
  readonly topic: string;
  /** `0` popped from the topic, `1` and `2` from its retry topic of either version. */
  readonly retry: string;
  readonly startOffset: number;
  readonly queueId: number;
  readonly reviveQueueId: number;
  /** Milliseconds since 1970. */
  readonly popTime: number;
  readonly invisibleTime: number;
  /** How far each message lies behind the start offset, in rising order. */
  readonly indexes: readonly number[];
}

/** The body of BATCH_ACK_MESSAGE. Matches Apache's BatchAckMessageRequestBody. */
export interface BatchAckRequest {
  readonly brokerName: string;
  readonly acks: readonly BatchAck[];
}

const NAME = 'BatchAckMessageRequestBody';
const ACK = `${NAME}.acks`;

export function encodeBatchAckRequest({ brokerName, acks }: BatchAckRequest): Buffer {
  const written = acks.map((ack) => ({
    b: encodeBits(ack.indexes),
    c: ack.consumerGroup,
    it: ack.invisibleTime,
    pt: ack.popTime,
    q: ack.queueId,
    r: ack.retry,
    rq: ack.reviveQueueId,
    so: ack.startOffset,
    t: ack.topic,
  }));
  return formatBody({ acks: written, brokerName });
}

/** @throws RMQ_BODY_INVALID */
export function decodeBatchAckRequest(body: Buffer): BatchAckRequest {
  const request = parseBody(body, NAME);
  return {
    brokerName: stringMember(request, 'brokerName', NAME),
    acks: listMember(request, 'acks', NAME, (element, name) => {
      const ack = objectOf(element, name);
      return {
        consumerGroup: stringMember(ack, 'c', ACK),
        topic: stringMember(ack, 't', ACK),
        retry: stringMember(ack, 'r', ACK),
        startOffset: integerMember(ack, 'so', ACK),
        queueId: integerMember(ack, 'q', ACK),
        reviveQueueId: integerMember(ack, 'rq', ACK),
        popTime: integerMember(ack, 'pt', ACK),
        invisibleTime: integerMember(ack, 'it', ACK),
        indexes: decodeBits(stringMember(ack, 'b', ACK)),
      };
    }),
  };
}

/** A BitSet as fastjson writes it: its bytes in base64, the lowest bit of the first byte first. */
function encodeBits(indexes: readonly number[]): string {
  const bytes = Buffer.alloc((Math.max(-1, ...indexes) >> 3) + 1);
  for (const index of indexes) bytes[index >> 3]! |= 1 << (index & 7);
  return bytes.toString('base64');
}

function decodeBits(text: string): number[] {
  const indexes: number[] = [];
  for (const [at, byte] of Buffer.from(text, 'base64').entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) indexes.push(at * 8 + bit);
  }
  return indexes;
}
