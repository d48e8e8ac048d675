import fc from 'fast-check';
import type { AllocateStrategy } from '../../../core/consumer/allocation/allocate-strategy.js';
import { allocateAveragely } from '../../../core/consumer/allocation/averagely.js';
import { allocateByCircle } from '../../../core/consumer/allocation/averagely-by-circle.js';
import { allocateByMachineRoom } from '../../../core/consumer/allocation/by-machine-room.js';
import { allocateConsistently } from '../../../core/consumer/allocation/consistent-hash.js';
import { allocateNearby } from '../../../core/consumer/allocation/machine-room-nearby.js';
import { byPlace } from '../../../core/consumer/rebalance/rebalance.js';
import type { MessageQueue } from '../../../core/message/message.js';
import { byCodeUnits } from '../../../core/runtime/by-code-units.js';

/** A topic's queues and a group's members, sorted as every member sorts them. */
export interface Group {
  readonly queues: readonly MessageQueue[];
  readonly clientIds: readonly string[];
}

const ROOMS = ['east', 'north', 'west'];
const ROOMS_OF_GROUP = ['east', 'west'];

/** What stands before the @ of a broker's name and of a client's id. */
const roomOf = (name: string): string => name.slice(0, name.indexOf('@'));

/** The strategies that share out, by the names that Shares.java knows them by. */
export const STRATEGIES: readonly AllocateStrategy[] = [
  allocateAveragely,
  allocateByCircle,
  allocateConsistently(),
  allocateByMachineRoom(ROOMS_OF_GROUP),
  allocateNearby(allocateAveragely, { roomOfQueue: ({ brokerName }) => roomOf(brokerName), roomOfClient: roomOf }),
  allocateNearby(allocateByCircle, { roomOfQueue: ({ brokerName }) => roomOf(brokerName), roomOfClient: roomOf }),
];

const name = fc
  .tuple(fc.constantFrom(...ROOMS), fc.stringMatching(/^[a-zA-Z0-9._#-]{1,12}$/))
  .map((words) => words.join('@'));

/** Groups of up to 12 members on brokers in three rooms. */
export const groups: fc.Arbitrary<Group> = fc
  .record({
    brokers: fc.uniqueArray(fc.tuple(name, fc.integer({ min: 0, max: 8 })), {
      minLength: 1,
      maxLength: 4,
      selector: ([broker]) => broker,
    }),
    clientIds: fc.uniqueArray(name, { minLength: 1, maxLength: 12 }),
  })
  .map(({ brokers, clientIds }) => ({
    queues: brokers
      .flatMap(([brokerName, count]) =>
        Array.from({ length: count }, (_, queueId) => ({ topic: 'T', brokerName, queueId })),
      )
      .sort(byPlace),
    clientIds: clientIds.sort(byCodeUnits),
  }));

/** What strategy 4 leaves to nobody. */
export function isShared(strategy: AllocateStrategy, { brokerName }: MessageQueue): boolean {
  return strategy.name !== 'MACHINE_ROOM' || ROOMS_OF_GROUP.includes(roomOf(brokerName));
}
