import type { Admin } from '../core/index.js';
import { stderrLogger } from './stderr-logger.js';
import { type ClientTlsArguments, clientTlsOf } from './tls-arguments.js';

export interface AdminArguments extends ClientTlsArguments {
  readonly nameServer: string;
}

/** A client for one command, closed when the command is done. */
export async function withAdmin<T>(args: AdminArguments, work: (admin: Admin) => Promise<T>): Promise<T> {
  const { connect } = await import('../core/index.js');
  const mq = await connect({ nameServers: args.nameServer, logger: stderrLogger, ...clientTlsOf(args) });
  try {
    return await work(mq.admin);
  } finally {
    await mq.close();
  }
}
