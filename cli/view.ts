import { Command } from 'commander';
import { nameServerOption } from './arguments.js';
import { placedMessageFields } from './message-line.js';
import { withClientTls } from './tls-arguments.js';
import { type AdminArguments, withAdmin } from './with-admin.js';

interface ViewArguments extends AdminArguments {
  readonly topic?: string;
}

/** `multistage view`: one message by its id, as a JSON object. */
export function viewCommand(): Command {
  const command = new Command('view')
    .description('prints the message of an id')
    .argument('<msgId>', 'the id that a send resolved with; its offsetMsgId needs no --topic')
    .addOption(nameServerOption())
    .option('--topic <topic>', 'its topic')
    .allowExcessArguments(false)
    .action(async (msgId: string, args: ViewArguments) => {
      const message = await withAdmin(args, (admin) =>
        args.topic === undefined ? admin.viewMessage(msgId) : admin.viewMessage(args.topic, msgId),
      );
      process.stdout.write(`${JSON.stringify(placedMessageFields(message))}\n`);
    });
  return withClientTls(command);
}
