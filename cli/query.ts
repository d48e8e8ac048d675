import { Command } from 'commander';
import { moment, nameServerOption, positiveInteger } from './arguments.js';
import { placedMessageFields } from './message-line.js';
import { withClientTls } from './tls-arguments.js';
import { type AdminArguments, withAdmin } from './with-admin.js';

interface QueryArguments extends AdminArguments {
  readonly topic: string;
  readonly key: string;
  readonly begin?: Date;
  readonly end?: Date;
  readonly max: number;
}

/** `multistage query`: messages of a topic by a key, one JSON object each, the oldest first. */
export function queryCommand(end: (exitCode: number) => void): Command {
  const command = new Command('query')
    .description('prints the messages that have a key; exit code 1 when there is none')
    .addOption(nameServerOption())
    .requiredOption('--topic <topic>', 'where to look')
    .requiredOption('--key <key>', 'one of the keys of the messages')
    .option('--begin <time>', 'stored then or later, such as 2026-01-31T09:00:00Z', moment)
    .option('--end <time>', 'stored then or earlier', moment)
    .option('--max <n>', 'at most so many, the newest', positiveInteger, 32)
    .allowExcessArguments(false)
    .action(async (args: QueryArguments) => {
      const { messages, failures } = await withAdmin(args, (admin) =>
        admin.queryMessage(args.topic, args.key, {
          maxNum: args.max,
          ...(args.begin !== undefined && { begin: args.begin }),
          ...(args.end !== undefined && { end: args.end }),
        }),
      );
      const { describeError } = await import('./describe-error.js');
      for (const message of messages) process.stdout.write(`${JSON.stringify(placedMessageFields(message))}\n`);
      for (const { brokerName, error } of failures) {
        process.stderr.write(`warn: broker ${brokerName} did not answer: ${describeError(error)}\n`);
      }
      end(messages.length > 0 ? 0 : 1);
    });
  return withClientTls(command);
}
