import { Command, Option } from 'commander';
import { port } from './arguments.js';
import { stderrLogger } from './stderr-logger.js';
import { stopSignal } from './stop-signal.js';
import { type ServerTlsArguments, serverTlsOf, withServerTls } from './tls-arguments.js';
import { untilAborted } from './until-aborted.js';

interface ServerArguments extends ServerTlsArguments {
  readonly dir: string;
  readonly host: string;
  readonly nameServerPort: number;
  readonly brokerPort: number;
  readonly cluster: string;
  readonly brokerName: string;
  readonly nameServer?: string;
  readonly registerWith?: string;
  readonly vipPort?: true;
  readonly flush: 'async' | 'sync';
}

/** `multistage server`: name server and broker in this process until it is told to stop. */
export function serverCommand(end: (exitCode: number) => void): Command {
  const command = new Command('server')
    .description('runs a name server and a broker, or with --name-server a broker alone')
    .option('--dir <dir>', 'where the messages are kept', './multistage-data')
    .option('--host <host>', 'the address to listen on and to advertise', '127.0.0.1')
    .option('--name-server-port <port>', 'port of the name server, 0 for any', port, 9876)
    .option('--broker-port <port>', 'port of the broker, 0 for any', port, 10911)
    .option('--vip-port', 'listen two ports below the broker port too, for clients with vipChannelEnabled')
    .option('--cluster <name>', 'name of the cluster', 'DefaultCluster')
    .option('--broker-name <name>', 'name of the broker', 'broker-a')
    .option('--name-server <list>', 'register with these name servers (HOST:PORT, several joined by ;) and start none')
    .option(
      '--register-with <list>',
      'register with these name servers beside the one it starts; each server needs a --broker-name of its own',
    )
    .addOption(
      new Option('--flush <when>', 'acknowledge a message when it is written (async) or when it is on the disk (sync)')
        .choices(['async', 'sync'])
        .default('async'),
    )
    .allowExcessArguments(false)
    .action(async (args: ServerArguments) => {
      const stop = stopSignal();
      const { startServer } = await import('../core/server/index.js');
      try {
        const server = await startServer({
          dir: args.dir,
          host: args.host,
          nameServerPort: args.nameServerPort,
          brokerPort: args.brokerPort,
          ...(args.vipPort && { vipPort: true }),
          cluster: args.cluster,
          brokerName: args.brokerName,
          nameServers: args.nameServer,
          registerWith: args.registerWith,
          ...serverTlsOf(args),
          store: { flushDiskType: args.flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH' },
          logger: stderrLogger,
        });
        try {
          process.stdout.write(
            `ready name-server=${server.nameServers} broker=${server.brokerAddress} dir=${server.dir}\n`,
          );
          await untilAborted(stop.signal);
        } finally {
          await server.close();
        }
        end(0);
      } finally {
        stop.release();
      }
    });
  return withServerTls(command);
}
