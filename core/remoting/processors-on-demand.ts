import { notSupported } from './answers.js';
import type { RemotingServer, RequestProcessor } from './remoting-server.js';

/** Answers one or more request codes. */
export interface Processor {
  /** By request code. */
  readonly handlers: Readonly<Record<number, RequestProcessor>>;
}

/** By request code: the way to its processor, which is made when it is asked for. */
export type ProcessorsOnDemand = ReadonlyMap<number, () => Processor>;

/**
 * Gives the server these processors, each when its first request comes: most servers see a few of all the codes, and none
 * has to wait for the others at its start.
 */
export function processOnDemand(server: RemotingServer, processors: ProcessorsOnDemand): void {
  server.processOthers((request, connection, respond) => {
    const handlers = processors.get(request.code)?.().handlers;
    const handler = handlers?.[request.code];
    if (handlers === undefined || handler === undefined) return notSupported(request.code);
    for (const [code, each] of Object.entries(handlers)) server.process(Number(code), each);
    return handler(request, connection, respond);
  });
}
