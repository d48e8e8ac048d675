import { SystemTopic } from '../system-topics.js';

/** Kinds of messages in their order: a trace writes the position. Matches Apache's MessageType. */
export const TRACED_MESSAGE_TYPES = [
  'Normal_Msg',
  'Trans_Msg_Half',
  'Trans_msg_Commit',
  'Delay_Msg',
  'Order_Msg',
] as const;
/** Kinds of messages as traces name them. */
export type TracedMessageType = (typeof TRACED_MESSAGE_TYPES)[number];

/** How a handler ended, in their order: a trace writes the position. Matches Apache's ConsumeReturnType. */
export const CONSUME_RETURN_TYPES = ['SUCCESS', 'TIME_OUT', 'EXCEPTION', 'RETURNNULL', 'FAILED'] as const;
/** How a handler ended, as traces name it. */
export type ConsumeReturnType = (typeof CONSUME_RETURN_TYPES)[number];

/** LOCAL is a cluster of one's own; CLOUD has a trace topic for each region and a shorter SubAfter. Matches Apache's AccessChannel. */
export type AccessChannel = 'LOCAL' | 'CLOUD';

/** What every record says. Times are milliseconds since 1970; text that its writer did not know is undefined. */
interface RecordFacts {
  /** The id that the sender gave the message (property UNIQ_KEY). */
  readonly msgId: string;
  /** Keys of the message, joined by blanks. */
  readonly keys: string | undefined;
}

/** A message was sent: one attempt that a broker answered. */
export interface PubRecord extends RecordFacts {
  readonly type: 'Pub';
  /** When the attempt began. */
  readonly timestamp: number;
  readonly regionId: string | undefined;
  /** Of the producer. */
  readonly group: string;
  readonly topic: string;
  readonly tag: string | undefined;
  /** `ip:port` of the broker, as the sender dialled it. */
  readonly storeHost: string | undefined;
  /** Of the body as it was sent: compressed where it was. */
  readonly bodyLengthBytes: number;
  readonly costMs: number;
  /** Undefined for a position that no kind has. */
  readonly messageType: TracedMessageType | undefined;
  readonly offsetMsgId: string | undefined;
  /** Whether the broker said SEND_OK. */
  readonly success: boolean;
  /** Only very old clients wrote it. */
  readonly clientHost: string | undefined;
}

/** A handler got a message. */
export interface SubBeforeRecord extends RecordFacts {
  readonly type: 'SubBefore';
  readonly timestamp: number;
  readonly regionId: string | undefined;
  /** Of the consumer. */
  readonly group: string;
  /** The same in the SubAfter of that call, for all messages of it. */
  readonly requestId: string;
  /** How often consumption of it failed before. */
  readonly retryTimes: number;
  /** Known where the record is made; it is not written. */
  readonly topic: string | undefined;
}

/** A handler has ended. */
export interface SubAfterRecord extends RecordFacts {
  readonly type: 'SubAfter';
  /** Not written for CLOUD, as the group. */
  readonly timestamp: number | undefined;
  readonly group: string | undefined;
  readonly requestId: string;
  /** Of the whole call, divided by its messages. */
  readonly costMs: number;
  readonly success: boolean;
  /** Undefined where none was written, or a position that no type has. */
  readonly returnType: ConsumeReturnType | undefined;
  /** Known where the record is made; both are not written. */
  readonly topic: string | undefined;
  readonly regionId: string | undefined;
}

/** The sender of a half message told the broker how its transaction ended. */
export interface EndTransactionRecord extends RecordFacts {
  readonly type: 'EndTransaction';
  readonly timestamp: number;
  readonly regionId: string | undefined;
  /** Of the producer. */
  readonly group: string;
  readonly topic: string;
  readonly tag: string | undefined;
  /** `ip:port` of the broker. */
  readonly storeHost: string | undefined;
  readonly transactionId: string | undefined;
  readonly transactionState: 'commit' | 'rollback' | 'unknown';
  /** Whether the broker had asked. */
  readonly fromTransactionCheck: boolean;
}

/** A delayed message was called back (5.x). */
export interface RecallRecord extends RecordFacts {
  readonly type: 'Recall';
  readonly timestamp: number;
  readonly regionId: string | undefined;
  /** Of the producer. */
  readonly group: string;
  readonly topic: string;
  readonly success: boolean;
}

/** One step in the life of one message. Matches Apache's TraceContext with one TraceBean. */
export type TraceRecord = PubRecord | SubBeforeRecord | SubAfterRecord | EndTransactionRecord | RecallRecord;
/** Which step of a message a record tells of. */
export type TraceType = TraceRecord['type'];

/** Between the fields of a record. */
export const FIELD_SEPARATOR = '\u0001';
/** After each record. */
export const RECORD_SEPARATOR = '\u0002';
/** What stands for text that is not known. */
export const UNKNOWN_TEXT = 'null';

/** How states of a transaction are written. Matches Apache's LocalTransactionState. */
export const TRANSACTION_STATE_NAMES = {
  commit: 'COMMIT_MESSAGE',
  rollback: 'ROLLBACK_MESSAGE',
  unknown: 'UNKNOW',
} as const;

/** Where traces go unless a client was told otherwise. */
export const TRACE_TOPIC: string = SystemTopic.TRACE;

const REGION_TOPIC_PREFIX = 'rmq_sys_TRACE_DATA_';

/** Where traces of a region go with the access channel CLOUD. */
export function regionTraceTopic(regionId: string): string {
  return REGION_TOPIC_PREFIX + regionId;
}

/** Whether messages of a topic are traces themselves, which nobody traces. */
export function isTraceTopic(topic: string, traceTopic: string): boolean {
  return topic.startsWith(traceTopic) || topic.startsWith(REGION_TOPIC_PREFIX);
}
