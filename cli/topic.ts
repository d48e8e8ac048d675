import { Command } from 'commander';
import { nameServerOption, positiveInteger } from './arguments.js';
import { withClientTls } from './tls-arguments.js';
import { type AdminArguments, withAdmin } from './with-admin.js';

interface CreateArguments extends AdminArguments {
  readonly queues: number;
  readonly cluster?: string;
}

interface DeleteArguments extends AdminArguments {
  readonly cluster?: string;
}

/** `multistage topic create` and `delete`: a topic on every broker of a cluster. */
export function topicCommand(): Command {
  const create = new Command('create')
    .description('creates a topic on every broker of a cluster, or changes the number of its queues')
    .argument('<topic>', 'its name')
    .addOption(nameServerOption())
    .option('--queues <n>', 'queues on each broker', positiveInteger, 8)
    .option('--cluster <name>', 'whose brokers get it; needed where there are several')
    .allowExcessArguments(false)
    .action(async (topic: string, args: CreateArguments) => {
      const { queues: queueNum, cluster } = args;
      await withAdmin(args, (admin) =>
        admin.createTopic(topic, { queueNum, ...(cluster !== undefined && { cluster }) }),
      );
      process.stdout.write(`created ${topic} with ${queueNum} queues\n`);
    });
  const remove = new Command('delete')
    .description('deletes a topic with its messages on every broker of a cluster')
    .argument('<topic>', 'its name')
    .addOption(nameServerOption())
    .option('--cluster <name>', 'whose brokers lose it; needed where there are several')
    .allowExcessArguments(false)
    .action(async (topic: string, args: DeleteArguments) => {
      const { cluster } = args;
      await withAdmin(args, (admin) => admin.deleteTopic(topic, { ...(cluster !== undefined && { cluster }) }));
      process.stdout.write(`deleted ${topic}\n`);
    });
  const topics = new Command('topic').description('topics of a cluster');
  return topics.addCommand(withClientTls(create)).addCommand(withClientTls(remove));
}
