import type { MessageStore } from '../../core/server/broker/message-store.js';

/** The store refuses the next `times` appends, as one whose disk takes nothing. */
export function refuseAppends(store: Pick<MessageStore, 'append' | 'appendTogether'>, times: number): void {
  const append = store.append.bind(store);
  const appendTogether = store.appendTogether.bind(store);
  const refused = { status: 'SERVICE_NOT_AVAILABLE', queueOffset: -1, storeTimestamp: 0 } as const;
  let left = times;
  store.append = (message, done) => (left-- > 0 ? done({ ...refused, commitLogOffset: -1 }) : append(message, done));
  store.appendTogether = (messages, done) =>
    left-- > 0 ? done({ ...refused, commitLogOffsets: [] }) : appendTogether(messages, done);
}

/** The next `times` looks at entries of queues, or at messages, fail. */
export function failReads(
  store: Pick<MessageStore, 'entries' | 'visit'>,
  what: 'entries' | 'visit',
  times: number,
): void {
  const read = store[what].bind(store) as (...given: unknown[]) => unknown;
  let left = times;
  Object.assign(store, {
    [what]: (...given: unknown[]) => {
      if (left-- > 0) throw new Error('the disk cannot be read');
      return read(...given);
    },
  });
}
