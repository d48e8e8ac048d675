import {
  type ExtInput,
  type RemotingCommand,
  SerializeType,
} from '../../../core/remoting/protocol/remoting-command.js';
import type { OutgoingResponse, RequestProcessor, ServerConnection } from '../../../core/remoting/remoting-server.js';

/** A request as it would have come from a 4.9.7 client. */
export function request(
  code: number,
  ext: ExtInput = {},
  body: string | Uint8Array = '',
  { version = 407, oneway = false }: { readonly version?: number; readonly oneway?: boolean } = {},
): RemotingCommand {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(ext)) if (value !== undefined) fields[name] = String(value);
  return {
    code,
    language: 0,
    version,
    opaque: 1,
    flag: oneway ? 2 : 0,
    remark: undefined,
    ext: fields,
    body: Buffer.from(body as string),
    serializeType: SerializeType.JSON,
  };
}

/** A client's connection that remembers what the server told it. */
export class FakeConnection implements ServerConnection {
  static #lastId = 0;
  readonly id = ++FakeConnection.#lastId;
  readonly remoteAddress: string;
  readonly localAddress = '127.0.0.1:10911';
  readonly told: { readonly code: number; readonly ext?: ExtInput }[] = [];
  readonly #listeners = new Set<() => void>();
  closed = false;
  lagging = false;

  constructor(remoteAddress = `127.0.0.1:${40_000 + FakeConnection.#lastId}`) {
    this.remoteAddress = remoteAddress;
  }

  onClose(listener: () => void): () => void {
    if (this.closed) listener();
    else this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  invoke(): Promise<RemotingCommand> {
    return Promise.reject(new Error('nobody asks this client'));
  }

  oneway(command: { readonly code: number; readonly ext?: ExtInput }): void {
    this.told.push(command);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

/** What a request was answered with; `answered` tells whether that has happened. */
export interface Asked {
  readonly response: Promise<OutgoingResponse>;
  readonly answered: boolean;
}

/** Gives a request to its processor, whichever way that answers. */
export function ask(
  handlers: Readonly<Record<number, RequestProcessor>>,
  command: RemotingCommand,
  connection: ServerConnection = new FakeConnection(),
): Asked {
  const processor = handlers[command.code];
  if (processor === undefined) throw new Error(`nobody processes code ${command.code}`);
  let answered = false;
  const response = new Promise<OutgoingResponse>((resolve, reject) => {
    const done = (answer: OutgoingResponse): void => {
      if (answered) reject(new Error('answered twice'));
      answered = true;
      resolve(answer);
    };
    const answer = processor(command, connection, done);
    if (answer === 'later' || answer === undefined) return;
    if (answer instanceof Promise) answer.then(done, reject);
    else done(answer);
  });
  return {
    response,
    get answered() {
      return answered;
    },
  };
}

/** The response to a request that is answered at once or soon. */
export function answerTo(
  handlers: Readonly<Record<number, RequestProcessor>>,
  command: RemotingCommand,
  connection?: ServerConnection,
): Promise<OutgoingResponse> {
  return ask(handlers, command, connection).response;
}

/** The body of a response as text. */
export function bodyText(response: OutgoingResponse): string {
  return Buffer.from(response.body ?? []).toString('utf8');
}
