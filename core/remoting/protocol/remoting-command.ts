import type { FieldWriter } from './field-writer.js';

/** How a header is written on the wire (protocol: the byte after the frame length). */
export const SerializeType = { JSON: 0, ROCKETMQ: 1 } as const;
export type SerializeType = (typeof SerializeType)[keyof typeof SerializeType];

/** Bits of `flag`. */
export const CommandFlag = { RESPONSE: 1, ONEWAY: 2 } as const;

/** The header fields of a command as they are written: undefined entries are left out. */
export type ExtInput = Readonly<Record<string, string | number | boolean | bigint | undefined>>;

/** What is needed to write a command; the connection adds opaque and flag. */
export interface OutgoingCommand {
  readonly code: number;
  readonly ext?: ExtInput;
  /** Writes the fields that `ext` says, and is asked instead of it. Of a class: a copy with other fields must not carry it. */
  writeFields?(writer: FieldWriter): void;
  readonly body?: Uint8Array;
  readonly remark?: string;
}

/** Takes where the fields of a binary header lie: from `start` to `end` of `bytes`. */
export interface FieldLocator {
  locate(bytes: Buffer, start: number, end: number): void;
}

/** A command as it was read from the wire. Matches Apache's RemotingCommand. */
export interface RemotingCommand {
  readonly code: number;
  /** Language code (JAVA 0 … NODE_JS 13), -1 when the name or number is not known. */
  readonly language: number;
  readonly version: number;
  /** Echoed by the response; signed 32 bits. */
  readonly opaque: number;
  readonly flag: number;
  readonly remark: string | undefined;
  /** Header fields; without a prototype. Decoded on first use. */
  readonly ext: Readonly<Record<string, string>>;
  /** Tells a FieldReader where the fields of a binary header lie; false for a JSON header, missing where none came. */
  locateFields?(locator: FieldLocator): boolean;
  /** A view into the received bytes; empty when there is none. Whoever keeps it beyond the turn copies it. */
  readonly body: Buffer;
  readonly serializeType: SerializeType;
}
