import fc from 'fast-check';

/** Every property here runs at least this often. */
export const RUNS = { numRuns: 1000 };

/** Pieces that break careless code: separators, quotes, escapes, ends of ranges, names that objects inherit. */
const HOSTILE = [
  '\u0000',
  '\u0003',
  '\u001f',
  '"',
  '\\',
  '/',
  '{',
  '}',
  ':',
  ',',
  ' ',
  '\n',
  '\u007f',
  '\u0080',
  'ÿ',
  'é',
  '\u07ff',
  '\u0800',
  '漢',
  '\ufffd',
  '\uffff',
  '😀',
  '\u{10ffff}',
  '0',
  '-1',
  '$ref',
  '__proto__',
  'constructor',
  'toString',
  'TAGS',
] as const;

const SEPARATORS = ['\u0001', '\u0002'] as const;
const LONE_SURROGATES = ['\ud800', '\udbff', '\udc00', '\udfff'] as const;

function textOf(pieces: readonly string[], minLength: number): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...pieces), minLength, maxLength: 12 }) },
    { weight: 2, arbitrary: fc.string({ minLength, maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc
        .string({ unit: 'binary', minLength, maxLength: 30 })
        .filter((text) => !SEPARATORS.some((one) => text.includes(one))),
    },
    // Lengths around which the writers change their ways.
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...pieces), fc.integer({ min: 45, max: 170 }))
        .map(([piece, count]) => piece.repeat(count)),
    },
  );
}

/** Text that a property may hold: not empty, no separator, no lone surrogate. */
export const legalText: fc.Arbitrary<string> = textOf(HOSTILE, 1);

/** Any text that has a UTF-8 form, separators and the empty text included. */
export const wellFormedText: fc.Arbitrary<string> = textOf([...HOSTILE, ...SEPARATORS], 0);

/** Any text at all. */
export const anyText: fc.Arbitrary<string> = fc.string({
  unit: fc.constantFrom(...HOSTILE, ...SEPARATORS, ...LONE_SURROGATES, 'a', 'b'),
  maxLength: 24,
});

/** Text that no property may hold. */
export const illegalText: fc.Arbitrary<string> = fc.oneof(
  fc.constant(''),
  fc
    .tuple(legalText, fc.constantFrom(...SEPARATORS), legalText)
    .chain((parts) => fc.constantFrom(parts.join(''), parts[1] + parts[2], parts[0] + parts[1])),
  // A high surrogate before and a low one after would make a pair of the piece in the middle.
  fc
    .tuple(fc.constantFrom('', 'a', 'é'), fc.constantFrom(...LONE_SURROGATES), fc.constantFrom('', 'a', '漢'))
    .map((parts) => parts.join('')),
);

/** Names to values without a prototype, as everything that is read here comes. */
export function tableOf(
  name: fc.Arbitrary<string>,
  value: fc.Arbitrary<string>,
  maxKeys = 8,
): fc.Arbitrary<Record<string, string>> {
  return fc.array(fc.tuple(name, value), { maxLength: maxKeys }).map((entries) => {
    const table: Record<string, string> = Object.create(null);
    for (const [key, member] of entries) table[key] = member;
    return table;
  });
}

export const int32: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000, 999_999_999, 1_000_000_000),
);

/** Whole numbers that a double holds exactly. */
export const safeInteger: fc.Arbitrary<number> = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, 1e9, -1e9),
);

export const bytes: fc.Arbitrary<Buffer> = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

/** Bytes at random, and pieces of frames and records put together wrongly. */
export const garbage: fc.Arbitrary<Buffer> = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array)),
      fc
        .constantFrom(
          0,
          1,
          4,
          8,
          21,
          25,
          40,
          0xff,
          0x7fff,
          0xffff,
          0x01000015,
          0x0100ffff,
          0x00ffffff,
          0x7fffffff,
          -1,
          -2147483648,
        )
        .map((word) => {
          const buffer = Buffer.alloc(4);
          buffer.writeInt32BE(word);
          return buffer;
        }),
      fc
        .constantFrom('{}', '{"code":', '"opaque":7', '{"code":1,"extFields":{"a":1}}')
        .map((text) => Buffer.from(text)),
    ),
    { maxLength: 20 },
  )
  .map((parts) => Buffer.concat(parts));

/** `bytes` with some of them overwritten, or cut short, or with more at the end. */
export function damaged(original: Buffer): fc.Arbitrary<Buffer> {
  const at = fc.integer({ min: 0, max: Math.max(original.length - 1, 0) });
  return fc.oneof(
    fc
      .array(fc.tuple(at, fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 0x7f, 0x80, 0xff))), {
        minLength: 1,
        maxLength: 4,
      })
      .map((changes) => {
        const copy = Buffer.from(original);
        for (const [position, byte] of changes) if (position < copy.length) copy[position] = byte;
        return copy;
      }),
    at.map((end) => original.subarray(0, end)),
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((more) => Buffer.concat([original, more])),
  );
}
