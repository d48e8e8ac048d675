/** An object as the dialect reads it: no prototype. */
export type DialectObject = { [name: string]: unknown };

/** Whether a parsed value is an object with names as keys. */
export function isDialectObject(value: unknown): value is DialectObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Map);
}

/** Keys and values of a parsed map, whether its keys are names or objects; nothing for null and undefined. */
export function mapEntries(value: unknown): Iterable<[key: unknown, value: unknown]> {
  if (value instanceof Map) return value.entries();
  return isDialectObject(value) ? Object.entries(value) : [];
}
