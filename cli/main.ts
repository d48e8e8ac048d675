import { Command, CommanderError } from 'commander';
import { consumeCommand } from './consume.js';
import { produceCommand } from './produce.js';
import { queryCommand } from './query.js';
import { serverCommand } from './server.js';
import { topicCommand } from './topic.js';
import { viewCommand } from './view.js';

/** Exit codes: 0 done, 1 it failed, 2 the arguments were wrong. */
export const ExitCode = { DONE: 0, FAILED: 1, USAGE: 2 } as const;

/**
 * Runs one command to its end and returns the exit code. `version` is what `--version` prints. What a command needs of the
 * library is loaded when it runs, so that help and mistakes are told at once.
 * @example process.exitCode = await main(['server', '--dir', './data']);
 */
export async function main(args: readonly string[], version?: string): Promise<number> {
  let exitCode: number = ExitCode.DONE;
  const end = (code: number): void => {
    exitCode = code;
  };
  const program = new Command('multistage').description(
    'Messaging for Node that speaks the Apache RocketMQ remoting protocol.',
  );
  const commands = [
    ...[serverCommand(end), produceCommand(end), consumeCommand(end)],
    ...[topicCommand(), queryCommand(end), viewCommand()],
  ];
  for (const command of commands) program.addCommand(command);
  inOneLine(program);
  if (version !== undefined) program.version(version);
  if (args.length === 0) {
    process.stderr.write(`error: name a command: ${commandsOf(program)} (--help explains them)\n`);
    return ExitCode.USAGE;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.DONE : ExitCode.USAGE;
    const { describeError, isWrongArgument } = await import('./describe-error.js');
    process.stderr.write(`error: ${describeError(error)}\n`);
    return isWrongArgument(error) ? ExitCode.USAGE : ExitCode.FAILED;
  }
}

/** Says what is wrong in one line, and leaves the exit to us; so do the commands below it. */
function inOneLine(command: Command): void {
  for (const each of command.commands) inOneLine(each);
  command
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${oneLine(text)}${remedy(text, command)}\n`) });
}

/** What the command says, with what it takes to have been meant. */
function oneLine(text: string): string {
  return text.trimEnd().replaceAll('\n', ' ');
}

/** Where a command was misspelt, those that there are; where an option is missing, the variable that says it too. */
function remedy(text: string, command: Command): string {
  if (text.includes('unknown command')) return `; the commands are ${commandsOf(command)}`;
  const missing = /required option '(.*)' not specified/.exec(text)?.[1];
  const variable = command.options.find(({ flags }) => flags === missing)?.envVar;
  return variable === undefined ? '' : `; the variable ${variable} says it too`;
}

function commandsOf(command: Command): string {
  const names = command.commands.map((each) => each.name());
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
