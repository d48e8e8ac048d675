import type { AllocateStrategy } from './allocate-strategy.js';

/**
 * Only queues of brokers named `room@name` whose room is one of `rooms`: shared evenly among all members, neighbouring
 * queues to the same one, and what is left over one by one. Matches Apache's AllocateMessageQueueByMachineRoom.
 */
export function allocateByMachineRoom(rooms: readonly string[]): AllocateStrategy {
  const wanted = new Set(rooms);
  return {
    name: 'MACHINE_ROOM',
    allocate(_group, clientId, queues, clientIds) {
      const index = clientIds.indexOf(clientId);
      if (index < 0) return [];
      const near = queues.filter(({ brokerName }) => isIn(wanted, brokerName));
      const share = Math.floor(near.length / clientIds.length);
      const mine = near.slice(share * index, share * (index + 1));
      const leftOver = share * clientIds.length + index;
      return leftOver < near.length ? [...mine, ...near.slice(leftOver, leftOver + 1)] : mine;
    },
  };
}

/** As Java's split: what is empty at the end does not count, so that `room@` has no room. */
function isIn(rooms: ReadonlySet<string>, brokerName: string): boolean {
  const [room = '', name = '', ...more] = brokerName.split('@');
  return name !== '' && more.every((part) => part === '') && rooms.has(room);
}
