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
  const program = new Command('multistage')
    .description('Messaging for Node that speaks the Apache RocketMQ remoting protocol.')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(withCommands(text, program)) });
  const commands = [
    ...[serverCommand(end), produceCommand(end), consumeCommand(end)],
    ...[topicCommand(), queryCommand(end), viewCommand()],
  ];
  for (const command of commands) program.addCommand(inOneLine(command));
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
function inOneLine(command: Command): Command {
  for (const each of command.commands) inOneLine(each);
  return command.exitOverride().configureOutput({ outputError: (text, write) => write(firstLine(text)) });
}

/** One line; where a command was misspelt it names those that there are. */
function withCommands(text: string, program: Command): string {
  if (!text.includes('unknown command')) return firstLine(text);
  const [error, suggestion = ''] = text.trimEnd().split('\n');
  const meant = suggestion === '' ? '' : ` ${suggestion}`;
  return `${error}${meant}; the commands are ${commandsOf(program)}\n`;
}

function commandsOf(program: Command): string {
  const names = program.commands.map((command) => command.name());
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

function firstLine(text: string): string {
  return `${text.split('\n', 1)[0]}\n`;
}
