/** The name of a header field as both encodings write it. */
export interface FieldName {
  readonly name: string;
  /** i16 length and the name. */
  readonly binary: Uint8Array;
  /** A comma, the name as a JSON string, and a colon. */
  readonly json: Uint8Array;
}

/**
 * Takes the header fields of a command one after another, in whichever encoding it is written. For commands of which there
 * is one a message: no record is made, no key is listed, and names are ready-made bytes.
 */
export interface FieldWriter {
  text(field: FieldName, value: string): void;
  /** A whole number within 2^53. */
  number(field: FieldName, value: number): void;
  boolean(field: FieldName, value: boolean): void;
}

/** Makes names ready, given by what the code calls them. */
export function fieldNames<K extends string>(names: Readonly<Record<K, string>>): Readonly<Record<K, FieldName>> {
  const entries = Object.entries<string>(names).map(([key, name]) => [key, fieldName(name)]);
  return Object.fromEntries(entries) as Record<K, FieldName>;
}

function fieldName(name: string): FieldName {
  const bytes = Buffer.from(name);
  return {
    name,
    binary: Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length]), bytes]),
    json: Buffer.from(`,${JSON.stringify(name)}:`),
  };
}

/** The same fields as a record, for whoever wants to look at them or change them. */
export function recordFields(source: {
  writeFields(writer: FieldWriter): void;
}): Readonly<Record<string, string | number | boolean>> {
  const ext: Record<string, string | number | boolean> = {};
  const set = ({ name }: FieldName, value: string | number | boolean): void => {
    ext[name] = value;
  };
  source.writeFields({ text: set, number: set, boolean: set });
  return ext;
}
