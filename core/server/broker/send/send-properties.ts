const NAME_END = '\u0001';
const ENTRY_END = '\u0002';

/** What the broker needs of a message's properties, and the string that it stores. */
export interface SendProperties {
  /** As stored: `CLUSTER` appended, `WAIT` left out, no separator after the last value. */
  readonly stored: string;
  readonly tag: string | undefined;
  /** Whether the answer waits for the flush that the store is configured for: true unless `WAIT` says otherwise. */
  readonly waitStored: boolean;
  readonly transactional: boolean;
  /** Text of `DELAY`. */
  readonly delay: string | undefined;
  readonly timed: boolean;
}

/**
 * Reads a send's properties in one pass over the string and makes the string to store, without a map in between: this runs
 * once per message. Entries without a name or value are dropped, of a name that comes twice the last counts. Matches what
 * Apache's SendMessageProcessor (4.9.7) does to a plain message.
 */
export function readSendProperties(text: string | undefined, clusterName: string): SendProperties {
  let tag: string | undefined;
  let wait: string | undefined;
  let transaction: string | undefined;
  let delay: string | undefined;
  let timed = false;
  let stored = '';
  let keptFrom = -1;
  let position = 0;
  const length = text?.length ?? 0;
  while (position < length) {
    const source = text as string;
    let end = source.indexOf(ENTRY_END, position);
    if (end < 0) end = length;
    const nameEnd = source.indexOf(NAME_END, position);
    const legal = nameEnd > position && nameEnd < end - 1;
    let keep = legal;
    if (legal) {
      // The names in question have these lengths; others need not be cut out of the string.
      const nameLength = nameEnd - position;
      if (nameLength === 4 || nameLength === 5 || nameLength === 8 || (nameLength > 11 && nameLength < 17)) {
        switch (source.slice(position, nameEnd)) {
          case 'TAGS':
            tag = source.slice(nameEnd + 1, end);
            break;
          case 'WAIT':
            wait = source.slice(nameEnd + 1, end);
            keep = false;
            break;
          case 'DELAY':
            delay = source.slice(nameEnd + 1, end);
            break;
          case 'TRAN_MSG':
            transaction = source.slice(nameEnd + 1, end);
            break;
          case 'TIMER_DELAY_SEC':
          case 'TIMER_DELAY_MS':
          case 'TIMER_DELIVER_MS':
            timed = true;
            break;
        }
      }
    }
    if (keep && keptFrom < 0) keptFrom = position;
    if (!keep && keptFrom >= 0) {
      stored += source.slice(keptFrom, position);
      keptFrom = -1;
    }
    position = end + 1;
  }
  if (keptFrom >= 0) {
    stored += text?.slice(keptFrom);
    if (!stored.endsWith(ENTRY_END)) stored += ENTRY_END;
  }
  return {
    stored: `${stored}CLUSTER${NAME_END}${clusterName}`,
    tag,
    waitStored: wait === undefined || isTrue(wait),
    transactional: transaction !== undefined && isTrue(transaction),
    delay,
    timed,
  };
}

/** Java's Boolean.parseBoolean. */
function isTrue(text: string): boolean {
  return text.toLowerCase() === 'true';
}
