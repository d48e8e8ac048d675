/** What does the work: Node's own zstd, or the one of zstd-codec. */
export interface ZstdEngine {
  /** The largest window that it has memory for. */
  readonly windowBytesMax: number;
  compress(body: Buffer, level: number): Buffer | Promise<Buffer>;
  /** One whole frame. Ends with `'too large'` as soon as it is seen to hold more than `sizeBytesMax`; throws when it is damaged. */
  decompress(frame: Buffer, sizeBytesMax: number): Decompressed | Promise<Decompressed>;
}

export type Decompressed = Buffer | 'too large';
