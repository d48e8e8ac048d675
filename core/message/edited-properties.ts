import { decodeProperties, findProperty, PROPERTIES_BYTES_MAX } from './properties.js';

/*
 * Properties strings that were received or stored, with entries more or less. All others stay as they came: of what is not
 * ours nothing is looked at, and nothing can be wrong with it.
 */

const NAME_END = '\u0001';
const ENTRY_END = '\u0002';

/** A properties string with more at its end. What is added is legal: numbers and names that were checked. */
export function withProperties(text: string, added: Readonly<Record<string, string | number>>): string {
  let result = text;
  for (const name in added) {
    const isFirst = result === '' || result.endsWith(ENTRY_END);
    result += `${isFirst ? '' : ENTRY_END}${name}${NAME_END}${added[name]}`;
  }
  return result;
}

/** The same where a record has room for that, else undefined. */
export function withPropertiesIfRoom(
  text: string,
  added: Readonly<Record<string, string | number>>,
): string | undefined {
  const result = withProperties(text, added);
  // A character is three bytes at most: nearly always the length tells.
  const fits = result.length * 3 <= PROPERTIES_BYTES_MAX || Buffer.byteLength(result) <= PROPERTIES_BYTES_MAX;
  return fits ? result : undefined;
}

/** A properties string without those of the given names; the others as they were. */
export function withoutProperties(text: string, names: readonly string[]): string {
  if (names.every((name) => findProperty(text, name) === undefined)) return text;
  const properties = decodeProperties(text);
  return Object.entries(properties)
    .filter(([name]) => !names.includes(name))
    .map(([name, value]) => name + NAME_END + value)
    .join(ENTRY_END);
}
