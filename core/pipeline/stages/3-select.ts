import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import type { MessageQueue } from '../../message/message.js';
import { ResourceNames } from '../../message/resource-names.js';
import { RouteTable } from '../../routing/route-table.js';
import type { PublishInfo } from '../../routing/topic-route.js';
import { Clock } from '../../runtime/clock.js';
import type { AttemptContext, SendTarget } from '../context.js';
import { FaultStrategy } from '../fault-strategy.js';
import type { SendHandler } from '../interceptor.js';
import { later } from '../later.js';
import type { PipelineOptions } from '../options.js';
import type { Pending } from '../pending.js';
import { QueueRotation } from '../queue-rotation.js';
import { RetryLoop, type RetrySource } from '../retry-loop.js';
import type { SendResult } from '../send-result.js';
import type { SelectInput, SelectStage } from '../stage.js';
import { queueNotFound, targetQueue } from '../target-queue.js';
import { ProducerScope } from '../tokens.js';
import { TopicRoutes } from '../topic-routes.js';

/**
 * Stage 3: chooses the queue, and **is the retry loop**: when an attempt fails at its broker, it calls the rest of the
 * chain again with a fresh attempt, on another broker where there is one, within the deadline ({@link RetryLoop}).
 * A queue that the caller fixed, by name, selector or sharding key, is never exchanged: one attempt.
 */
@injectable()
export class Select implements SelectStage, RetrySource {
  readonly options: PipelineOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly #topics: TopicRoutes;
  readonly #rotation: QueueRotation;

  constructor(
    @inject(ProducerScope) scope: ProducerScope,
    @inject(RouteTable) routes: RouteTable,
    @inject(ResourceNames) names: ResourceNames,
    @inject(FaultStrategy) faults: FaultStrategy,
    @inject(Clock) clock: Clock,
  ) {
    this.options = scope.options;
    this.clock = clock;
    this.random = scope.random;
    this.#topics = new TopicRoutes(routes, names, scope.options);
    this.#rotation = new QueueRotation(faults, scope.random);
  }

  run(context: SelectInput, next: SendHandler<AttemptContext>): Observable<SendResult> {
    const { target, mode } = context.send;
    if (target !== undefined) return this.#toTarget(context, next, target);
    const { publishInfo } = context;
    const queue = this.#rotation.next(publishInfo);
    return this.#attempt(context, next, queue, publishInfo, mode === 'oneway' ? 0 : this.options.retries);
  }

  /** Begins the next attempt, by the route as it is known now. */
  attemptAgain(context: SelectInput, next: SendHandler<AttemptContext>, failedBroker: string): Observable<SendResult> {
    const info = this.#topics.current(context.topic) ?? context.publishInfo;
    return next(context.attempted(this.#rotation.next(info, failedBroker), info));
  }

  #toTarget(context: SelectInput, next: SendHandler<AttemptContext>, target: SendTarget): Observable<SendResult> {
    const queue = targetQueue(target, context.publishInfo.queues, context.message);
    if (queue !== undefined) return this.#attempt(context, next, queue, context.publishInfo, 0);
    // The queue may be newer than the route that is cached.
    const attempt = (info: PublishInfo): Observable<SendResult> => {
      const found = targetQueue(target, info.queues, context.message);
      if (found === undefined) throw queueNotFound(context.topic, target);
      return this.#attempt(context, next, found, info, 0);
    };
    return later(context, this.#topics.load(context.topic), attempt, this.#topics.waitsFor);
  }

  /** Adds the loop to what the rest of the chain returns, and hands that on as it is. */
  #attempt(
    context: SelectInput,
    next: SendHandler<AttemptContext>,
    queue: MessageQueue,
    info: PublishInfo,
    retries: number,
  ): Observable<SendResult> {
    const loop = new RetryLoop(this, context, next, retries);
    const attempt = next(context.attempted(queue, info));
    (attempt as Pending).addStep(loop);
    return attempt;
  }
}
