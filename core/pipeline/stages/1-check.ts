import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import type { OutgoingMessage } from '../../message/message.js';
import { validateMessage } from '../../message/message-rules.js';
import type { CreatedContext } from '../context.js';
import type { SendHandler } from '../interceptor.js';
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
    this.validate(context.message);
    return next(context);
  }

  validate(message: OutgoingMessage): void {
    validateMessage(message, this.#scope.options.maxMessageSizeBytes);
  }
}
