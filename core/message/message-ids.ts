import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { rocketMQError } from '../errors/rocketmq-error.js';
import type { Clock } from '../runtime/clock.js';
import { type Token, token } from '../runtime/token.js';
import { decodeHost, encodeHost, HOST_BYTES_V4, HOST_BYTES_V6 } from './host.js';
import { readInt64, writeInt64 } from './int64.js';
import { chooseUniqueIdIp } from './local-address.js';

/** Makes the ids that producers give their messages (property UNIQ_KEY). */
export interface UniqueIdGenerator {
  /**
   * 32 hexadecimal digits in upper case, 56 on a host whose address is an IPv6 one. `now` is the wall clock in
   * milliseconds since 1970, where the caller has just read it.
   */
  next(now?: number): string;
}

export const UniqueIdGenerator: Token<UniqueIdGenerator> = token('UniqueIdGenerator');

/** What the ids of a generator begin with, and where their counter comes from. */
export interface UniqueIdOrigin {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array;
  /** The lower 16 bits are used. */
  readonly pid: number;
  /** 32 bits that tell copies of the package in one process apart. */
  readonly loaderHash: number;
  /** The next number of a counter that wraps at 16 bits and is shared by all generators of this origin. */
  nextCounter(): number;
}

/** Two hexadecimal digits in upper case for each byte. */
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));

/**
 * ```
 * ip 4 | 16 · pid i16 · loader hash i32 · milliseconds since the month began i32 · counter i16
 * ```
 * The month begins at local midnight of its first day; query by id reads the time back. Matches Apache's
 * MessageClientIDSetter.
 */
export function createUniqueIdGenerator(clock: Clock, origin: UniqueIdOrigin = localOrigin(clock)): UniqueIdGenerator {
  const prefix = hexOfPrefix(origin);
  let lastTime = Number.NaN;
  let monthStart = 0;
  let monthEnd = 0;
  let beginning = '';
  return {
    next(now = clock.now()) {
      if (now !== lastTime) {
        if (!(now >= monthStart && now < monthEnd)) {
          const date = new Date(now);
          monthStart = new Date(date.getFullYear(), date.getMonth(), 1).getTime();
          monthEnd = new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime();
        }
        lastTime = now;
        beginning = prefix + hexOfInt32(now - monthStart);
      }
      const counter = origin.nextCounter();
      return beginning + HEX[(counter >> 8) & 0xff]! + HEX[counter & 0xff]!;
    },
  };
}

function hexOfPrefix({ ip, pid, loaderHash }: UniqueIdOrigin): string {
  return (
    Buffer.from(ip).toString('hex').toUpperCase() + HEX[(pid >> 8) & 0xff] + HEX[pid & 0xff] + hexOfInt32(loaderHash)
  );
}

function hexOfInt32(value: number): string {
  return HEX[(value >>> 24) & 0xff]! + HEX[(value >>> 16) & 0xff]! + HEX[(value >>> 8) & 0xff]! + HEX[value & 0xff]!;
}

let counter = 0;
let ownOrigin: UniqueIdOrigin | undefined;

/** This process and this copy of the package: all its generators count together, so that none repeats another's id. */
function localOrigin(clock: Clock): UniqueIdOrigin {
  ownOrigin ??= {
    ip: chooseUniqueIdIp(networkInterfaces()) ?? clockBytes(clock.now()),
    pid: process.pid,
    loaderHash: randomBytes(4).readInt32BE(),
    nextCounter: () => {
      const value = counter;
      counter = (counter + 1) & 0xffff;
      return value;
    },
  };
  return ownOrigin;
}

/** Stands in for an address on a host without one. */
function clockBytes(now: number): Buffer {
  const bytes = Buffer.alloc(8);
  writeInt64(bytes, 0, now);
  return bytes.subarray(4);
}

/**
 * The id that a broker gives a message: its own address and the message's place in its commit log, in hexadecimal. `host`
 * is `ip:port`, or that as `encodeHost` gives it. Matches Apache's MessageDecoder.createMessageId.
 */
export function formatOffsetMsgId(host: string | Buffer, offset: number): string {
  const hostBytes = typeof host === 'string' ? encodeHost(host) : host;
  const bytes = Buffer.allocUnsafe(hostBytes.length + 8);
  bytes.set(hostBytes);
  writeInt64(bytes, hostBytes.length, offset);
  return bytes.toString('hex').toUpperCase();
}

/** Where the message of an offsetMsgId lies. @throws RMQ_OPTIONS_INVALID when it is none */
export function parseOffsetMsgId(id: string): { readonly host: string; readonly offset: number } {
  const hostLength = id.length === 32 ? HOST_BYTES_V4 : HOST_BYTES_V6;
  if ((id.length !== 32 && id.length !== 56) || !/^[0-9a-fA-F]+$/.test(id)) {
    const message = `offsetMsgId has to be 32 or 56 hexadecimal digits, it is ${JSON.stringify(id)}`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option: 'offsetMsgId' });
  }
  const bytes = Buffer.from(id, 'hex');
  return { host: decodeHost(bytes, 0, hostLength), offset: readInt64(bytes, hostLength) };
}

/**
 * When a producer made an id of {@link createUniqueIdGenerator}: the id tells the time within a month of the producer's time
 * zone, and it is taken for the last such moment that is not in the future. Undefined when it is no such id. Matches Apache's
 * MessageClientIDSetter.getNearlyTimeFromID.
 */
export function uniqueIdTime(id: string, nowMs: number): number | undefined {
  if (!/^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/.test(id)) return undefined;
  const bytes = Buffer.from(id, 'hex');
  const sinceMonthBeganMs = bytes.readUInt32BE(bytes.length - 6);
  const now = new Date(nowMs);
  const inMonth = (back: number): number =>
    new Date(now.getFullYear(), now.getMonth() - back, 1).getTime() + sinceMonthBeganMs;
  return inMonth(0) <= nowMs ? inMonth(0) : inMonth(1);
}
