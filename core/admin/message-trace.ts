import type {
  EndTransactionRecord,
  PubRecord,
  RecallRecord,
  SubAfterRecord,
  SubBeforeRecord,
  TraceRecord,
} from '../message/trace/trace-record.js';

/** A record, and from where it was sent. */
export interface FoundTrace {
  readonly record: TraceRecord;
  /** `ip:port` of the client that traced it. */
  readonly clientHost: string;
}

/** What a record says beside what it is of. Timestamps are milliseconds since 1970. */
type Step<R> = Omit<R, 'type' | 'msgId' | 'keys' | 'clientHost'> & {
  /** `ip:port` of the client. */
  readonly clientHost: string;
};

/** An attempt to send it that a broker answered. */
export type TracedSend = Step<PubRecord>;
/** The end of its transaction. */
export type TracedTransactionEnd = Step<EndTransactionRecord>;
/** It was called back while it was delayed. */
export type TracedRecall = Step<RecallRecord>;

/** One call of a handler with it. */
export interface TracedDelivery {
  readonly requestId: string;
  readonly clientHost: string;
  /** Undefined when only its end was found, as `retryTimes`. */
  readonly startTimestamp: number | undefined;
  /** How often consumption of it had failed before. */
  readonly retryTimes: number | undefined;
  /** Undefined while the handler runs, and when it never ended. */
  readonly end: Pick<SubAfterRecord, 'timestamp' | 'costMs' | 'success' | 'returnType'> | undefined;
}

/** What one group of consumers did with it. */
export interface TracedGroup {
  /** Undefined where the trace does not say it. */
  readonly group: string | undefined;
  /** In their order. */
  readonly deliveries: readonly TracedDelivery[];
}

/** The life of a message, as its producer and its consumers traced it. */
export interface MessageTrace {
  readonly msgId: string;
  /** Keys of the message, joined by blanks. */
  readonly keys: string | undefined;
  /** By time; several when the broker had to be asked more than once, or the message was sent again. */
  readonly sends: readonly TracedSend[];
  readonly transactionEnds: readonly TracedTransactionEnd[];
  readonly recalls: readonly TracedRecall[];
  /** By the time of their first delivery. */
  readonly groups: readonly TracedGroup[];
}

/** Puts records of one message together, whatever their order. */
export function messageTrace(msgId: string, found: readonly FoundTrace[]): MessageTrace {
  const sends: TracedSend[] = [];
  const transactionEnds: TracedTransactionEnd[] = [];
  const recalls: TracedRecall[] = [];
  const calls = new Map<string, Call>();
  for (const { record, clientHost } of found) {
    switch (record.type) {
      case 'Pub':
        sends.push(step(record, clientHost));
        break;
      case 'EndTransaction':
        transactionEnds.push(step(record, clientHost));
        break;
      case 'Recall':
        recalls.push(step(record, clientHost));
        break;
      default:
        calls.set(record.requestId, { ...calls.get(record.requestId), [record.type]: record, clientHost });
    }
  }
  return {
    msgId,
    keys: found.find(({ record }) => record.keys !== undefined)?.record.keys,
    sends: sends.sort(byTimestamp),
    transactionEnds: transactionEnds.sort(byTimestamp),
    recalls: recalls.sort(byTimestamp),
    groups: groupsOf([...calls.values()]),
  };
}

/** The two records of one call of a handler, as far as they were found. */
interface Call {
  readonly SubBefore?: SubBeforeRecord;
  readonly SubAfter?: SubAfterRecord;
  readonly clientHost: string;
}

function step<R extends PubRecord | EndTransactionRecord | RecallRecord>(record: R, clientHost: string): Step<R> {
  const { type: _, msgId: __, keys: ___, ...facts } = record;
  return { ...facts, clientHost } as Step<R>;
}

function groupsOf(calls: readonly Call[]): readonly TracedGroup[] {
  const groups = new Map<string | undefined, TracedDelivery[]>();
  for (const call of [...calls].sort((one, other) => timeOf(one) - timeOf(other))) {
    const group = call.SubBefore?.group ?? call.SubAfter?.group;
    const deliveries = groups.get(group) ?? [];
    deliveries.push(deliveryOf(call));
    groups.set(group, deliveries);
  }
  return [...groups].map(([group, deliveries]) => ({ group, deliveries }));
}

function deliveryOf({ SubBefore, SubAfter, clientHost }: Call): TracedDelivery {
  const { timestamp, costMs = 0, success = false, returnType } = SubAfter ?? {};
  return {
    requestId: (SubBefore ?? SubAfter)?.requestId ?? '',
    clientHost,
    startTimestamp: SubBefore?.timestamp,
    retryTimes: SubBefore?.retryTimes,
    end: SubAfter === undefined ? undefined : { timestamp, costMs, success, returnType },
  };
}

function timeOf({ SubBefore, SubAfter }: Call): number {
  return SubBefore?.timestamp ?? SubAfter?.timestamp ?? Number.POSITIVE_INFINITY;
}

function byTimestamp(one: { readonly timestamp: number }, other: { readonly timestamp: number }): number {
  return one.timestamp - other.timestamp;
}
