import { rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingCommand, RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { AdminServices, CallLimits } from './admin-services.js';

/** One request to one server, within the limits of its call; a response of any code is a value. */
export function invoke(
  { remoting }: Pick<AdminServices, 'remoting'>,
  address: string,
  request: OutgoingCommand,
  { timeoutMs, signal }: CallLimits,
): Promise<RemotingCommand> {
  return remoting.invoke(address, request, { timeoutMs, ...(signal !== undefined && { signal }) });
}

/** Gives up waiting when the signal says so: what was begun is shared with others and goes on. */
export async function untilAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  if (signal.aborted) throw aborted(signal);
  let abort: (() => void) | undefined;
  const gone = new Promise<never>((_, reject) => {
    abort = () => reject(aborted(signal));
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work(), gone]);
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}

function aborted(signal: AbortSignal): Error {
  const message = 'The call was cancelled before its request was sent';
  return rocketMQError('RMQ_REQUEST_ABORTED', message, { sent: 'no' }, { cause: signal.reason });
}
