/** Separators of the properties string (Apache's MessageDecoder): the only characters that no name or value may hold. */
const SEPARATORS: ReadonlySet<number> = new Set([1, 2]);
/** Code points in one piece: as name and as value together they stay below the 32,767 bytes of all properties. */
const PIECE_LENGTH = 4_000;

/**
 * Every character that is legal in a property, in pieces: the whole basic plane without 0x01, 0x02 and lone surrogates,
 * and of every further plane its ends and a sample.
 */
export function everyLegalCharacter(): string[] {
  const points: number[] = [];
  for (let point = 0; point <= 0xffff; point++) {
    if (!SEPARATORS.has(point) && (point < 0xd800 || point > 0xdfff)) points.push(point);
  }
  for (let plane = 0x10000; plane <= 0x100000; plane += 0x10000) {
    for (let point = plane; point <= plane + 0xffff; point += 0x101) points.push(point);
  }
  const pieces: string[] = [];
  for (let start = 0; start < points.length; start += PIECE_LENGTH) {
    pieces.push(
      points
        .slice(start, start + PIECE_LENGTH)
        .map((point) => String.fromCodePoint(point))
        .join(''),
    );
  }
  return pieces;
}
