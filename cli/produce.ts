import { Command } from 'commander';
import { nameServerOption, property } from './arguments.js';
import type { LineArguments } from './send-lines.js';
import { stopSignal } from './stop-signal.js';
import { type ClientTlsArguments, clientTlsOf, withClientTls } from './tls-arguments.js';

interface ProduceArguments extends ClientTlsArguments, LineArguments {
  readonly nameServer: string;
}

/** `multistage produce`: one message per line of a file or of standard input. */
export function produceCommand(end: (exitCode: number) => void): Command {
  const command = new Command('produce')
    .description('sends one message per line')
    .addOption(nameServerOption())
    .requiredOption('--topic <topic>', 'where to send to')
    .option('--tag <tag>', 'tag of every message')
    .option('--key <key>', 'key of every message')
    .option('--property <key=value>', 'property of every message; may be given several times', property)
    .option('--file <file>', 'file to read, - for standard input', '-')
    .allowExcessArguments(false)
    .action(async (args: ProduceArguments) => {
      const stop = stopSignal();
      const [{ connect }, { sendLines }] = await Promise.all([import('../core/index.js'), import('./send-lines.js')]);
      const mq = await connect({ nameServers: args.nameServer, ...clientTlsOf(args) });
      try {
        const counts = await sendLines(mq, args, stop.signal);
        process.stdout.write(`sent ${counts.sent}, failed ${counts.failed}\n`);
        end(counts.failed > 0 ? 1 : 0);
      } finally {
        await mq.close();
        stop.release();
      }
    });
  return withClientTls(command);
}
