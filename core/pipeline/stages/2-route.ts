import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { ResourceNames } from '../../message/resource-names.js';
import { RouteTable } from '../../routing/route-table.js';
import type { RoutedContext } from '../context.js';
import type { SendHandler } from '../interceptor.js';
import { later } from '../later.js';
import type { SendResult } from '../send-result.js';
import type { RouteInput, RouteStage } from '../stage.js';
import { ProducerScope } from '../tokens.js';
import { TopicRoutes } from '../topic-routes.js';

/**
 * Stage 2: where the topic can be published. Known from the cache, else from a name server, which concurrent sends ask
 * once together; a topic that does not exist gets the route of the default topic, whose brokers create it.
 */
@injectable()
export class Route implements RouteStage {
  readonly #topics: TopicRoutes;

  constructor(
    @inject(ProducerScope) scope: ProducerScope,
    @inject(RouteTable) routes: RouteTable,
    @inject(ResourceNames) names: ResourceNames,
  ) {
    this.#topics = new TopicRoutes(routes, names, scope.options);
  }

  run(context: RouteInput, next: SendHandler<RoutedContext>): Observable<SendResult> {
    const info = this.#topics.current(context.topic);
    if (info !== undefined) return next(context.routed(info));
    const loading = this.#topics.load(context.topic);
    return later(context, loading, (loaded) => next(context.routed(loaded)), this.#topics.waitsFor);
  }
}
