/**
 * A message without a topic was refused as soon as any had been sent, but not as the very first of a process: the topic that was
 * found legal last was none yet, which is what this message had. Its send went as far as the name server, whose answer blamed the
 * address: `RMQ_NAME_SERVER_UNREACHABLE`. Found by who sent the first message of a new project with its topic forgotten.
 */
import { expect, test } from 'vitest';
import type { OutgoingMessage } from '../../core/message/message.js';

test('the first message of a process is refused when it has no topic', async () => {
  // As in a process of its own: the query makes it another instance of the module.
  const fresh = '../../core/message/message-rules.js?first-message-of-a-process';
  const { validateMessage }: typeof import('../../core/message/message-rules.js') = await import(fresh);
  const message = { body: 'order 42' } as unknown as OutgoingMessage;
  const refused = expect.objectContaining({ code: 'RMQ_MESSAGE_ILLEGAL', field: 'topic' });
  expect(() => validateMessage(message)).toThrow(refused);
  validateMessage({ ...message, topic: 'orders' });
  expect(() => validateMessage(message)).toThrow(refused);
});
