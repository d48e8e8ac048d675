import { isRocketMQError } from '../core/index.js';

/** One line for a person: the code, what happened, what lies beneath, and what to do. */
export function describeError(error: unknown): string {
  if (!isRocketMQError(error)) return oneLine(error instanceof Error ? error.message : String(error));
  const cause =
    error.cause instanceof Error && !error.message.includes(error.cause.message) ? ` (${error.cause.message})` : '';
  return oneLine(`${error.code}: ${asSentence(`${error.message}${cause}`)} ${error.hint}`);
}

/** Options, topics, tags and groups come from the arguments here. */
export function isWrongArgument(error: unknown): boolean {
  return isRocketMQError(error, 'RMQ_OPTIONS_INVALID') || isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL');
}

/** With a full stop, so that the hint does not run on from it. */
function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ');
}
