const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };
/** A line that begins a comment, a key up to `=`, `:` or blanks, and what follows. */
const LINE = /^\s*((?:\\.|[^\\=:\s])+)(?:\s*[=:]\s*|\s+|$)(.*)$/s;

/** `name=value` lines, as Java's Properties reads them; how configurations travel. Matches Apache's MixAll.properties2String. */
export function formatProperties(entries: Iterable<readonly [name: string, value: unknown]>): string {
  return [...entries].map(([name, value]) => `${name}=${escapeValue(String(value))}\n`).join('');
}

/** Reads such lines: comments, escapes and lines that go on included. Later ones count. Matches java.util.Properties.load. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const [, name, value = ''] = LINE.exec(line) ?? [];
    if (name !== undefined) properties.set(unescapeText(name), unescapeText(value));
  }
  return properties;
}

/** A line that ends in an odd number of backslashes goes on with the next, whose leading blanks do not count. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let begun: string | undefined;
  for (const line of text.split(/\r\n|\n|\r/)) {
    const trimmed = line.trimStart();
    if (begun === undefined && (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!'))) continue;
    const whole: string = (begun ?? '') + trimmed;
    const goesOn = (/\\*$/.exec(whole)?.[0].length ?? 0) % 2 === 1;
    begun = goesOn ? whole.slice(0, -1) : undefined;
    if (!goesOn) lines.push(whole);
  }
  if (begun !== undefined) lines.push(begun);
  return lines;
}

function unescapeText(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** A properties file takes a backslash as the start of an escape. */
function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
}
