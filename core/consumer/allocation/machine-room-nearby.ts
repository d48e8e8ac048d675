import type { MessageQueue } from '../../message/message.js';
import type { AllocateStrategy } from './allocate-strategy.js';

/** Where brokers and members are; every member has to answer alike. */
export interface MachineRooms {
  /** Never empty. */
  roomOfQueue(queue: MessageQueue): string;
  /** Never empty. */
  roomOfClient(clientId: string): string;
}

/**
 * Queues go to members of their own room, shared out there by `inner`; queues of rooms without a member go to everybody.
 * Matches Apache's AllocateMachineRoomNearby.
 * @throws Error from `allocate` where `rooms` knows no room
 */
export function allocateNearby(inner: AllocateStrategy, rooms: MachineRooms): AllocateStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate(group, clientId, queues, clientIds) {
      if (!clientIds.includes(clientId)) return [];
      const queuesByRoom = groupBy(queues, (queue) => rooms.roomOfQueue(queue));
      const clientsByRoom = groupBy(clientIds, (id) => rooms.roomOfClient(id));
      const ownRoom = rooms.roomOfClient(clientId);
      const near = queuesByRoom.get(ownRoom) ?? [];
      const mine = [...inner.allocate(group, clientId, near, clientsByRoom.get(ownRoom) ?? [])];
      for (const room of [...queuesByRoom.keys()].sort()) {
        if (clientsByRoom.has(room)) continue;
        mine.push(...inner.allocate(group, clientId, queuesByRoom.get(room) ?? [], clientIds));
      }
      return mine;
    },
  };
}

function groupBy<T>(values: readonly T[], roomOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const room = roomOf(value);
    if (room === '') throw new Error(`No machine room is known for ${JSON.stringify(value)}`);
    const group = groups.get(room);
    if (group) group.push(value);
    else groups.set(room, [value]);
  }
  return groups;
}
