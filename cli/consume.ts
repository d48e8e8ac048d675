import { Command, InvalidArgumentError } from 'commander';
import type { Logger, ReceivedMessage } from '../core/index.js';
import { nameServerOption, positiveInteger, secondsAsMs } from './arguments.js';
import { messageFields } from './message-line.js';
import { stderrLogger } from './stderr-logger.js';
import { stopSignal } from './stop-signal.js';
import { type ClientTlsArguments, clientTlsOf, withClientTls } from './tls-arguments.js';
import { untilAborted } from './until-aborted.js';

/** How long a line that is being printed may take when the command is told to stop. */
const PRINTING_MS_MAX = 1_000;

/** As on standard error, but for what a reader of our output that went away (`| head`) makes of a message: nothing is wrong. */
const logger: Logger = {
  ...stderrLogger,
  warn: (message, fields) => {
    const { code } = Object(fields?.error) as { readonly code?: unknown };
    if (code !== 'EPIPE') stderrLogger.warn(message, fields);
  },
};

interface ConsumeArguments extends ClientTlsArguments {
  readonly nameServer: string;
  readonly topic: string;
  readonly group: string;
  readonly tag: string;
  readonly from: string;
  readonly count?: number;
  readonly timeout?: number;
}

/** `multistage consume`: one JSON object per message on standard output. */
export function consumeCommand(end: (exitCode: number) => void): Command {
  const command = new Command('consume')
    .description('prints one JSON object per message')
    .addOption(nameServerOption())
    .requiredOption('--topic <topic>', 'what to read')
    .requiredOption('--group <group>', 'consumer group; its offsets are kept by the broker')
    .option('--tag <expression>', 'tags joined by ||, * for all', '*')
    .option('--from <first|last>', 'where a group that has no offset yet begins', oneOf('first', 'last'), 'last')
    .option('--count <n>', 'stop after so many messages', positiveInteger)
    .option('--timeout <seconds>', 'stop after so long; exit code 1 when --count was not reached', secondsAsMs)
    .allowExcessArguments(false)
    .action(async (args: ConsumeArguments) => {
      const printed = await consume(args);
      end(args.count !== undefined && printed < args.count ? 1 : 0);
    });
  return withClientTls(command);
}

async function consume(args: ConsumeArguments): Promise<number> {
  const stop = stopSignal();
  const { connect } = await import('../core/index.js');
  const mq = await connect({ nameServers: args.nameServer, logger, ...clientTlsOf(args) });
  let printed = 0;
  const finished = new AbortController();
  const finish = (): void => finished.abort();
  // Not AbortSignal.any and AbortSignal.timeout: in Node 20 a time-out that only `any` knows is garbage, and never comes.
  if (stop.signal.aborted) finish();
  stop.signal.addEventListener('abort', finish, { once: true });
  const timer = args.timeout === undefined ? undefined : setTimeout(finish, args.timeout);
  process.stdout.on('error', finish); // the reader of our output went away
  try {
    const consumer = await mq.consumer({
      group: args.group,
      subscribe: { [args.topic]: args.tag },
      from: args.from === 'first' ? 'first' : 'last',
      concurrency: 1, // lines in the order of their queues, and none taken beyond --count
      handlerRetry: { attempts: Number.POSITIVE_INFINITY }, // a line that could not be printed stays where it is
    });
    finished.signal.addEventListener('abort', () => consumer.pause()); // no handler starts from here on
    await consumer.run(async (message: ReceivedMessage) => {
      await print(message);
      printed += 1;
      if (printed === args.count) finish();
    });
    await untilAborted(finished.signal);
    await consumer.close({ timeoutMs: PRINTING_MS_MAX });
    return printed;
  } finally {
    clearTimeout(timer);
    await mq.close();
    stop.release();
  }
}

/** Resolves when the line has left: a message is acknowledged only then. */
function print(message: ReceivedMessage): Promise<void> {
  const line = JSON.stringify(messageFields(message));
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

function oneOf(...allowed: readonly string[]): (text: string) => string {
  return (text) => {
    if (!allowed.includes(text)) throw new InvalidArgumentError(`expected ${allowed.join(' or ')}.`);
    return text;
  };
}
