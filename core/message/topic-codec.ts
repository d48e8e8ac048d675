/** Writes values as bodies and reads them back; either may take its time. Errors of either fail that one message. */
export interface TopicCodec<T, Input = T> {
  encode(value: Input, topic: string): Uint8Array | Promise<Uint8Array>;
  decode(body: Uint8Array, topic: string): T | Promise<T>;
}
