import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type Client, isRocketMQError, type OutgoingMessage } from '../core/index.js';
import { describeError } from './describe-error.js';

/** Where the lines come from, and what every message of theirs has. */
export interface LineArguments {
  readonly topic: string;
  readonly tag?: string;
  readonly key?: string;
  readonly property?: Record<string, string>;
  readonly file: string;
}

const IN_FLIGHT_MAX = 64;

/** Sends each line as a message, and counts. @throws what is wrong with the arguments themselves */
export async function sendLines(
  mq: Client,
  args: LineArguments,
  signal: AbortSignal,
): Promise<{ sent: number; failed: number }> {
  const producer = await mq.producer({ group: 'multistage-cli-producer' });
  const counts = { sent: 0, failed: 0 };
  const messages = messagesOf(args, await openInput(args.file), signal);
  for await (const outcome of producer.sendAll(messages, { concurrency: IN_FLIGHT_MAX })) {
    if (outcome.result !== undefined) {
      counts.sent += 1;
    } else {
      if (failsEveryLine(outcome.error)) throw outcome.error;
      counts.failed += 1;
      process.stderr.write(`failed: ${describeError(outcome.error)}\n`);
    }
  }
  return counts;
}

/** All but the body is the same for every line, and comes from the arguments. */
function failsEveryLine(error: unknown): boolean {
  return isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL') && error.field !== 'body';
}

/** Stops reading at the signal; what is in flight then still ends. */
async function* messagesOf(args: LineArguments, input: Readable, signal: AbortSignal): AsyncGenerator<OutgoingMessage> {
  if (signal.aborted) return; // lines of an interface that is closed already would be waited for without end
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const stop = (): void => {
    lines.close();
    input.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of lines) {
      if (signal.aborted) return;
      yield { topic: args.topic, body: line, tag: args.tag, keys: args.key, properties: args.property };
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Opens the file before anything is sent, so that a wrong name is one error and not a failed send. */
async function openInput(file: string): Promise<Readable> {
  if (file === '-') return process.stdin;
  const stream = createReadStream(file);
  await new Promise<void>((resolve, reject) => {
    stream.once('open', () => resolve());
    stream.once('error', reject);
  });
  return stream;
}
