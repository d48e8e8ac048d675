import { AllocateStrategy } from '../consumer/allocation/allocate-strategy.js';
import { ReplySender } from '../consumer/delivery/reply-sender.js';
import { OffsetStoreFactory } from '../consumer/offsets/offset-store.js';
import { Compressor, Compressors } from '../message/compression/compressor.js';
import { UniqueIdGenerator } from '../message/message-ids.js';
import { ResourceNames } from '../message/resource-names.js';
import { FaultStrategy } from '../pipeline/fault-strategy.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { Transport } from '../remoting/transport.js';
import { Membership } from '../routing/membership.js';
import { NameServerResolver } from '../routing/name-server-resolver.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { isBytes } from '../runtime/is-bytes.js';
import { Logger } from '../runtime/logger.js';
import { Random } from '../runtime/random.js';
import type { Token } from '../runtime/token.js';

/** What one method of a part owes. */
export interface MethodRule {
  /** What it gives, for the error: `bytes`. */
  readonly gives: string;
  readonly holds: (value: unknown) => boolean;
  /** `in time`: it may give that by a promise, which ends within the time of a plugin's step. True: always by one, which has its own time. */
  readonly promised?: true | 'in time';
  /** Whether a part may do without it. */
  readonly optional?: true;
  /** Nobody looks at what it gives. */
  readonly told?: true;
}

/** Methods by name; of those that are not here only what they throw, or reject with, is looked at. */
export type MethodRules = Readonly<Record<string, MethodRule>>;

/** What is owed by what is bound under a token: an object with methods, a list of those, or a function. */
export type PartRule =
  | { readonly methods: MethodRules }
  | { readonly each: MethodRules }
  | { readonly call: MethodRule; readonly makes?: MethodRules };

const TOLD: MethodRule = { gives: 'nothing', holds: () => true, told: true };
const FLAG: MethodRule = { gives: 'true or false', holds: (value) => typeof value === 'boolean' };
const TEXT: MethodRule = { gives: 'text', holds: (value) => typeof value === 'string' && value !== '' };
const NUMBER: MethodRule = { gives: 'a number', holds: Number.isFinite };
const OBJECT: MethodRule = { gives: 'an object', holds: isObject };
const BYTES: MethodRule = { gives: 'bytes', holds: isBytes, promised: 'in time' };
const DONE: MethodRule = { gives: 'nothing', holds: () => true, promised: 'in time' };
const LIST: MethodRule = { gives: 'a list of queues', holds: (value) => Array.isArray(value) && value.every(isQueue) };

const COMPRESSOR: MethodRules = { compress: BYTES, decompress: BYTES, load: { ...DONE, optional: true } };
const OFFSET_STORE: MethodRules = {
  read: {
    gives: 'an offset or undefined',
    holds: (value) => value === undefined || Number.isSafeInteger(value),
    promised: 'in time',
  },
  update: TOLD,
  persist: DONE,
  remove: TOLD,
};

/** The parts of the client that plugins can bind; those of a plugin's own, and stages, which the chain looks after, are not here. */
export const PART_RULES: ReadonlyMap<Token<unknown>, PartRule> = new Map<Token<unknown>, PartRule>([
  [AllocateStrategy, { methods: { allocate: LIST } }],
  [Clock, { methods: { now: NUMBER, monotonic: NUMBER, setTimer: OBJECT } }],
  [Compressor, { methods: COMPRESSOR }],
  [Compressors, { each: COMPRESSOR }],
  [
    FaultStrategy,
    {
      methods: {
        record: TOLD,
        isAvailable: FLAG,
        choose: {
          gives: 'an index or undefined',
          holds: (value) => value === undefined || Number.isInteger(value),
          optional: true,
        },
      },
    },
  ],
  [Logger, { methods: { debug: TOLD, info: TOLD, warn: TOLD, error: TOLD } }],
  [Membership, { methods: {} }],
  [
    NameServerResolver,
    {
      methods: {
        nameServers: { gives: 'a list of addresses', holds: isListOfText, promised: 'in time' },
        refresh: { ...DONE, optional: true },
      },
    },
  ],
  [OffsetStoreFactory, { call: { gives: 'an offset store', holds: isObject }, makes: OFFSET_STORE }],
  [
    Random,
    { call: { gives: 'a number from 0 to below 1', holds: (value) => Number(value) >= 0 && Number(value) < 1 } },
  ],
  [RemotingClient, { methods: {} }],
  [ReplySender, { methods: {} }],
  [ResourceNames, { methods: { topicToWire: TEXT, topicFromWire: TEXT, groupToWire: TEXT, groupFromWire: TEXT } }],
  [RouteTable, { methods: {} }],
  [Transport, { methods: { connect: { ...OBJECT, gives: 'a wire', promised: true } } }],
  [UniqueIdGenerator, { methods: { next: TEXT } }],
]);

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isListOfText(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isQueue(value: unknown): boolean {
  const { topic, brokerName, queueId } = (value ?? {}) as Record<string, unknown>;
  return typeof topic === 'string' && typeof brokerName === 'string' && Number.isInteger(queueId);
}
