/** The bits that stand for one name in a Bloom filter. Matches Apache's BloomFilterData. */
export interface BloomBits {
  /** How many bits the filter has. */
  readonly bitNum: number;
  readonly bitPos: readonly number[];
}

/** Of Apache's defaults: 20 % of errors (maxErrorRateOfBloomFilter) among 32 groups (expectConsumerNumUseFilter). */
const BITS = 112;
const HASHES = 3;

const MASK = 0xffffffffffffffffn;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

/** Which bits a name sets. Apache takes a filter file whose bits are not those of its own settings for stale, as a whole. */
export function bloomBitsOf(name: string): BloomBits {
  const hash = murmur3(Buffer.from(name));
  const [low, high] = [Number(BigInt.asIntN(32, hash)), Number(BigInt.asIntN(32, hash >> 32n))];
  const bitPos = Array.from({ length: HASHES }, (_, index) => {
    const combined = (low + Math.imul(index + 1, high)) | 0;
    return (combined < 0 ? ~combined : combined) % BITS;
  });
  return { bitNum: BITS, bitPos };
}

/** The first half of MurmurHash3 (x64, 128 bits, seed 0). */
function murmur3(bytes: Buffer): bigint {
  let [one, two] = [0n, 0n];
  const blocks = bytes.length >> 4;
  for (let at = 0; at < blocks << 4; at += 16) {
    one ^= mixOne(bytes.readBigUInt64LE(at));
    one = (rotate(one, 27n) + two) & MASK;
    one = (one * 5n + 0x52dce729n) & MASK;
    two ^= mixTwo(bytes.readBigUInt64LE(at + 8));
    two = (rotate(two, 31n) + one) & MASK;
    two = (two * 5n + 0x38495ab5n) & MASK;
  }
  const tail = Buffer.alloc(16);
  bytes.copy(tail, 0, blocks << 4);
  one ^= mixOne(tail.readBigUInt64LE(0));
  two ^= mixTwo(tail.readBigUInt64LE(8));
  one ^= BigInt(bytes.length);
  two ^= BigInt(bytes.length);
  one = (one + two) & MASK;
  two = (two + one) & MASK;
  return (finish(one) + finish(two)) & MASK;
}

function mixOne(block: bigint): bigint {
  return (rotate((block * C1) & MASK, 31n) * C2) & MASK;
}

function mixTwo(block: bigint): bigint {
  return (rotate((block * C2) & MASK, 33n) * C1) & MASK;
}

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (64n - by))) & MASK;
}

function finish(value: bigint): bigint {
  let mixed = value ^ (value >> 33n);
  mixed = (mixed * 0xff51afd7ed558ccdn) & MASK;
  mixed ^= mixed >> 33n;
  mixed = (mixed * 0xc4ceb9fe1a85ec53n) & MASK;
  return mixed ^ (mixed >> 33n);
}
