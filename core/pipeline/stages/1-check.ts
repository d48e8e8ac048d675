import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import { validateBatch } from '../../message/batch-rules.js';
import type { OutgoingMessage } from '../../message/message.js';
import { validateMessage } from '../../message/message-rules.js';
import { messagesOf } from '../../message/outgoing-batch.js';
import type { CreatedContext } from '../context.js';
import type { SendHandler } from '../interceptor.js';
import type { PipelineContext } from '../pipeline-context.js';
import type { SendResult } from '../send-result.js';
import type { CheckStage } from '../stage.js';
import { ProducerScope } from '../tokens.js';

/** Stage 1: the producer runs and the message is legal. */
@injectable()
export class Check implements CheckStage {
  readonly #scope: ProducerScope;

  constructor(@inject(ProducerScope) scope: ProducerScope) {
    this.#scope = scope;
  }

  run(context: CreatedContext, next: SendHandler<CreatedContext>): Observable<SendResult> {
    this.#scope.requireRunning();
    // A batch was looked at as a whole before its first part went out.
    if (context.batch === undefined || context.batch !== context.send.batch)
      this.validate((context as PipelineContext).given);
    return next(context);
  }

  validate(message: OutgoingMessage): void {
    const { maxMessageSizeBytes } = this.#scope.options;
    const batch = messagesOf(message);
    if (batch === undefined) {
      validateMessage(message, maxMessageSizeBytes);
      return;
    }
    validateBatch(batch, maxMessageSizeBytes);
    const { body, topic } = message;
    if (body.length <= maxMessageSizeBytes) return;
    const text = `The batch is ${body.length} bytes, at most ${maxMessageSizeBytes} are allowed (maxMessageSizeBytes)`;
    throw rocketMQError('RMQ_MESSAGE_ILLEGAL', text, { field: 'body', topic });
  }
}
