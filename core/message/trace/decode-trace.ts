import {
  CONSUME_RETURN_TYPES,
  FIELD_SEPARATOR,
  RECORD_SEPARATOR,
  TRACED_MESSAGE_TYPES,
  TRANSACTION_STATE_NAMES,
  type TraceRecord,
  UNKNOWN_TEXT,
} from './trace-record.js';

/** What a trace message held. */
export interface DecodedTraces {
  readonly records: readonly TraceRecord[];
  /** Records of a known type that cannot be read, as they stand there. Other types are left out. */
  readonly unreadable: readonly string[];
}

/**
 * Reads the body of a trace message, whichever client wrote it: Pub with 13, 14 or 15 fields, SubAfter with or without time
 * and group, and 4.9's for CLOUD, which runs into the next record. Matches Apache's TraceDataEncoder.
 */
export function decodeTraces(data: string): DecodedTraces {
  const records: TraceRecord[] = [];
  const unreadable: string[] = [];
  for (const text of data.split(RECORD_SEPARATOR)) {
    for (const fields of splitRunOn(text.split(FIELD_SEPARATOR))) {
      const read = READERS.get(fields[0] as string);
      if (read === undefined) continue;
      const given = new Fields(fields);
      const record = read(given);
      if (given.readable) records.push(record);
      else unreadable.push(fields.join(FIELD_SEPARATOR));
    }
  }
  return { records, unreadable };
}

/** Fields of SubAfter before time and group. */
const SUB_AFTER_LENGTH = 7;

/** 4.9 writes no end behind a SubAfter for CLOUD: the next record begins where its time would be. */
function splitRunOn(fields: readonly string[]): (readonly string[])[] {
  if (fields[0] !== 'SubAfter' || !READERS.has(fields[SUB_AFTER_LENGTH] ?? '')) return [fields];
  return [fields.slice(0, SUB_AFTER_LENGTH), ...splitRunOn(fields.slice(SUB_AFTER_LENGTH))];
}

/** The fields of one record by position, from 1: the type is before them. */
class Fields {
  readonly #fields: readonly string[];
  #readable = true;

  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  /** False once a field was asked for that is not there, or is not what it has to be. */
  get readable(): boolean {
    return this.#readable;
  }

  get count(): number {
    return this.#fields.length;
  }

  text(at: number): string {
    const field = this.#fields[at] ?? '';
    if (field === '') this.#readable = false;
    return field;
  }

  optional(at: number): string | undefined {
    const field = this.#fields[at];
    return field === undefined || field === '' || field === UNKNOWN_TEXT ? undefined : field;
  }

  number(at: number): number {
    const field = this.text(at);
    if (!/^-?\d{1,19}$/.test(field)) this.#readable = false;
    return Number(field);
  }

  state(at: number): TransactionState {
    const state = STATES_BY_NAME.get(this.text(at));
    if (state === undefined) this.#readable = false;
    return state ?? 'unknown';
  }

  boolean(at: number): boolean {
    return this.text(at).toLowerCase() === 'true';
  }
}

type TransactionState = keyof typeof TRANSACTION_STATE_NAMES;

const STATES_BY_NAME: ReadonlyMap<string, TransactionState> = new Map(
  (['commit', 'rollback', 'unknown'] as const).map((state) => [TRANSACTION_STATE_NAMES[state], state]),
);

const READERS: ReadonlyMap<string, (fields: Fields) => TraceRecord> = new Map([
  [
    'Pub',
    (fields): TraceRecord => ({
      type: 'Pub',
      timestamp: fields.number(1),
      regionId: fields.optional(2),
      group: fields.text(3),
      topic: fields.text(4),
      msgId: fields.text(5),
      tag: fields.optional(6),
      keys: fields.optional(7),
      storeHost: fields.optional(8),
      bodyLengthBytes: fields.number(9),
      costMs: fields.number(10),
      messageType: TRACED_MESSAGE_TYPES[fields.number(11)],
      // The shortest form has no offsetMsgId.
      offsetMsgId: fields.count > 13 ? fields.optional(12) : undefined,
      success: fields.boolean(fields.count > 13 ? 13 : 12),
      clientHost: fields.optional(14),
    }),
  ],
  [
    'SubBefore',
    (fields): TraceRecord => ({
      type: 'SubBefore',
      timestamp: fields.number(1),
      regionId: fields.optional(2),
      group: fields.text(3),
      requestId: fields.text(4),
      msgId: fields.text(5),
      retryTimes: fields.number(6),
      keys: fields.optional(7),
      topic: undefined,
    }),
  ],
  [
    'SubAfter',
    (fields): TraceRecord => ({
      type: 'SubAfter',
      timestamp: fields.optional(7) === undefined ? undefined : fields.number(7),
      group: fields.optional(8),
      requestId: fields.text(1),
      msgId: fields.text(2),
      costMs: fields.number(3),
      success: fields.boolean(4),
      keys: fields.optional(5),
      returnType: fields.optional(6) === undefined ? undefined : CONSUME_RETURN_TYPES[fields.number(6)],
      topic: undefined,
      regionId: undefined,
    }),
  ],
  [
    'EndTransaction',
    (fields): TraceRecord => ({
      type: 'EndTransaction',
      timestamp: fields.number(1),
      regionId: fields.optional(2),
      group: fields.text(3),
      topic: fields.text(4),
      msgId: fields.text(5),
      tag: fields.optional(6),
      keys: fields.optional(7),
      storeHost: fields.optional(8),
      transactionId: fields.optional(10),
      transactionState: fields.state(11),
      fromTransactionCheck: fields.boolean(12),
    }),
  ],
  [
    'Recall',
    (fields): TraceRecord => ({
      type: 'Recall',
      timestamp: fields.number(1),
      regionId: fields.optional(2),
      group: fields.text(3),
      topic: fields.text(4),
      msgId: fields.text(5),
      keys: undefined,
      success: fields.boolean(6),
    }),
  ],
]);
