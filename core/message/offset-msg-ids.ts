import { formatOffsetMsgId } from './message-ids.js';

/** The last five digits change from message to message: three and two are looked up. */
const LAST_DIGITS = 5;
const SPAN = 16 ** LAST_DIGITS;
const THREE_DIGITS = hexOfAll(3);
const TWO_DIGITS = hexOfAll(2);

/** Brokers whose ids are remembered by {@link offsetMsgIdOf}. */
const HOSTS_MAX = 64;

/**
 * The offset ids of one broker's messages, as `formatOffsetMsgId` makes them. For the broker itself, which makes one per
 * message, and for consumers: of ids near one another only the last digits differ, and putting those behind the others takes
 * a thirtieth of the time.
 */
export class OffsetMsgIds {
  /** `ip:port`. */
  readonly host: string;
  /** Which span of offsets the beginning is of. */
  #span = Number.NaN;
  #beginning = '';

  constructor(host: string) {
    this.host = host;
  }

  idAt(offset: number): string {
    const span = Math.floor(offset / SPAN);
    if (span !== this.#span) {
      this.#span = span;
      this.#beginning = formatOffsetMsgId(this.host, span * SPAN).slice(0, -LAST_DIGITS);
    }
    const rest = offset - span * SPAN;
    return this.#beginning + THREE_DIGITS[rest >> 8]! + TWO_DIGITS[rest & 0xff]!;
  }
}

const known = new Map<string, OffsetMsgIds>();

/** The offset id of a message of any broker: those that are read one after the other are of few, and near one another. */
export function offsetMsgIdOf(host: string, offset: number): string {
  let ids = known.get(host);
  if (ids === undefined) {
    if (known.size >= HOSTS_MAX) known.clear();
    ids = new OffsetMsgIds(host);
    known.set(host, ids);
  }
  return ids.idAt(offset);
}

function hexOfAll(digits: number): readonly string[] {
  return Array.from({ length: 16 ** digits }, (_, value) => value.toString(16).toUpperCase().padStart(digits, '0'));
}
