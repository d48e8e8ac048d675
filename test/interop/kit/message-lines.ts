/** A message as java/Fields.java reads and writes it: one line, every text and body in hexadecimal. */

/** What the Java producer is told to send. */
export interface JavaOutgoing {
  readonly topic: string;
  readonly body: Uint8Array;
  readonly keys?: string;
  readonly tag?: string;
  readonly flag?: number;
  readonly properties?: Readonly<Record<string, string>>;
  /** Default `sync`. */
  readonly mode?: 'sync' | 'async' | 'oneway';
  /** Absent: the producer chooses. */
  readonly queueId?: number;
}

/** What the Java consumer received. */
export interface JavaReceived {
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly msgId: string;
  readonly flag: number;
  readonly sysFlag: number;
  readonly storeSize: number;
  readonly body: Buffer;
  readonly keys: string | undefined;
  readonly tag: string | undefined;
  readonly properties: ReadonlyMap<string, string>;
}

/** Where the Java producer's message went. */
export interface JavaSent {
  readonly status: string;
  readonly msgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

/** One line for `Drive produce`. */
export function writeOutgoing(message: JavaOutgoing): string {
  const fields = [`topic=${hex(message.topic)}`, `body=${Buffer.from(message.body).toString('hex')}`];
  if (message.keys !== undefined) fields.push(`keys=${hex(message.keys)}`);
  if (message.tag !== undefined) fields.push(`tag=${hex(message.tag)}`);
  if (message.flag !== undefined) fields.push(`flag=${message.flag}`);
  if (message.mode !== undefined) fields.push(`mode=${message.mode}`);
  if (message.queueId !== undefined) fields.push(`queueId=${message.queueId}`);
  for (const [name, value] of Object.entries(message.properties ?? {}))
    fields.push(`property=${hex(name)}:${hex(value)}`);
  return fields.join(' ');
}

/** The messages that `Drive consume` printed. */
export function readReceived(output: string): JavaReceived[] {
  return linesOf(output, 'received').map((fields) => ({
    topic: text(required(fields, 'topic')),
    brokerName: text(required(fields, 'broker')),
    queueId: Number(required(fields, 'queueId')),
    queueOffset: Number(required(fields, 'queueOffset')),
    msgId: required(fields, 'msgId'),
    flag: Number(required(fields, 'flag')),
    sysFlag: Number(required(fields, 'sysFlag')),
    storeSize: Number(required(fields, 'storeSize')),
    body: Buffer.from(required(fields, 'body'), 'hex'),
    keys: optionalText(fields, 'keys'),
    tag: optionalText(fields, 'tag'),
    properties: new Map(
      fields
        .filter(([name]) => name === 'property')
        .map(([, value]) => value.split(':'))
        .map(([name = '', value = '']) => [text(name), text(value)]),
    ),
  }));
}

/** What `Drive produce` printed for every message that was not sent oneway. */
export function readSent(output: string): JavaSent[] {
  return linesOf(output, 'sent').map((fields) => ({
    status: required(fields, 'status'),
    msgId: required(fields, 'msgId'),
    queueId: Number(required(fields, 'queueId')),
    queueOffset: Number(required(fields, 'queueOffset')),
  }));
}

type Field = readonly [name: string, value: string];

function linesOf(output: string, kind: string): Field[][] {
  return output
    .split('\n')
    .filter((line) => line.startsWith(`${kind} `))
    .map((line) =>
      line
        .slice(kind.length + 1)
        .trimEnd()
        .split(' ')
        .map((field): Field => {
          const equals = field.indexOf('=');
          return [field.slice(0, equals), field.slice(equals + 1)];
        }),
    );
}

function required(fields: readonly Field[], name: string): string {
  const field = fields.find(([candidate]) => candidate === name);
  if (field === undefined) throw new Error(`no field ${name} in ${JSON.stringify(fields).slice(0, 500)}`);
  return field[1];
}

function optionalText(fields: readonly Field[], name: string): string | undefined {
  const field = fields.find(([candidate]) => candidate === name);
  return field === undefined ? undefined : text(field[1]);
}

function hex(value: string): string {
  return Buffer.from(value, 'utf8').toString('hex');
}

function text(value: string): string {
  return Buffer.from(value, 'hex').toString('utf8');
}
