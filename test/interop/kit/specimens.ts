import { everyLegalCharacter } from './legal-text.js';

/** A message that has to arrive as it was sent. Name and number only tell a failing one apart. */
export interface Specimen {
  readonly name: string;
  readonly body: Buffer;
  readonly keys?: readonly string[];
  readonly tag?: string;
  readonly flag?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** One message of every kind that a plain send can carry. The same every time. */
export function specimens(): Specimen[] {
  return [
    { name: 'nothing but a byte', body: Buffer.of(0) },
    { name: 'a tag and a key', body: Buffer.from('tagged'), tag: 'TagA', keys: ['order-42'] },
    { name: 'several keys', body: Buffer.from('keyed'), keys: ['first', 'second', 'drittes', '四'] },
    {
      name: 'a tag and keys of odd characters',
      body: Buffer.from('odd'),
      tag: 'täg-标签-🏷',
      keys: ['"\\\'', '\0\u0003'],
    },
    { name: 'the largest flag', body: Buffer.from('flag'), flag: 2_147_483_647 },
    { name: 'the smallest flag', body: Buffer.from('flag'), flag: -2_147_483_648 },
    { name: 'every byte', body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
    { name: 'text of many scripts', body: Buffer.from('grüße, 你好, مرحبا, नमस्ते, 🚀🧑‍🚀') },
    { name: 'one byte below compression', body: Buffer.alloc(4_095, 'below ') },
    { name: 'the first size that is compressed', body: Buffer.alloc(4_096, 'from here ') },
    { name: 'compressed in the background', body: Buffer.alloc(300_000, 'a body that compresses well; ') },
    { name: 'noise that grows when compressed', body: noise(1_048_576) },
    { name: 'zeros near the limit', body: Buffer.alloc(4_194_304) },
    { name: 'one long property', body: Buffer.from('long'), properties: { long: 'ü'.repeat(15_000) } },
    { name: 'many properties', body: Buffer.from('many'), properties: manyProperties(800) },
    { name: 'names an object has', body: Buffer.from('proto'), properties: ownProperties() },
    ...everyLegalCharacter().map((piece, index) => ({
      name: `characters, piece ${index}`,
      body: Buffer.from(`piece ${index}`),
      properties: { [`value ${index}`]: piece, [`name ${piece}`]: 'v' },
    })),
  ];
}

/** Bytes that do not compress, from a fixed seed (xorshift). */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 0x2545f491;
  for (let position = 0; position < length; position++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[position] = state & 0xff;
  }
  return bytes;
}

function manyProperties(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`name-${index}`, `value ${index}`]));
}

/** Computed, so that `__proto__` becomes a property of its own and not the prototype. */
function ownProperties(): Record<string, string> {
  return Object.fromEntries(
    ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => [name, `<${name}>`]),
  );
}
