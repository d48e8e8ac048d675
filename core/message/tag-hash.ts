/**
 * Java's `String.hashCode`: 31 · hash + UTF-16 unit, in 32 bits. Tags are hashed so for the consume queue, keys for the
 * index.
 */
export function javaStringHash(text: string): number {
  return javaStringHashBehind(0, text);
}

/** The hash of a text that stands behind another, of which the hash is known. */
export function javaStringHashBehind(hashBefore: number, text: string): number {
  let hash = hashBefore;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** What a consume queue stores of a message's tag: its hash, 0 without one. */
export function tagsCodeOf(tag: string | undefined): number {
  return tag === undefined ? 0 : javaStringHash(tag);
}
