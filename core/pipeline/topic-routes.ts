import { isRocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { ResourceNames } from '../message/resource-names.js';
import { frozenPublishInfo } from '../routing/publish-info.js';
import type { RouteTable } from '../routing/route-table.js';
import type { PublishInfo } from '../routing/topic-route.js';
import { heldBy } from '../runtime/held-by.js';
import type { PipelineOptions } from './options.js';

/**
 * Publish infos by the names that the application uses: routes are kept by names on the wire. Where both are the same,
 * which is so without a namespace, the route table's own objects are passed on.
 */
export class TopicRoutes {
  readonly #routes: RouteTable;
  readonly #names: ResourceNames;
  readonly #options: PipelineOptions;
  /** Publish infos are replaced as a whole when a route changes, so each is translated once. */
  readonly #translated = new WeakMap<PublishInfo, PublishInfo>();
  #loading: Promise<PublishInfo> | undefined;

  constructor(routes: RouteTable, names: ResourceNames, options: PipelineOptions) {
    this.#routes = routes;
    this.#names = names;
    this.#options = options;
  }

  /** The plugin whose part a load waits for now. */
  readonly waitsFor = (): string | undefined => (this.#loading && heldBy(this.#loading)) ?? this.#routes.heldBy;

  /** What is known now. */
  current(topic: string): PublishInfo | undefined {
    const info = this.#routes.publishInfo(this.#names.topicToWire(topic));
    return info === undefined || info.topic === topic ? info : this.#translate(info, topic);
  }

  /** @throws as RouteTable.loadPublishInfo */
  async load(topic: string): Promise<PublishInfo> {
    const { createTopicKey, defaultTopicQueueNums } = this.#options;
    const wireTopic = this.#names.topicToWire(topic);
    let info: PublishInfo;
    try {
      this.#loading = this.#routes.loadPublishInfo(wireTopic, { createTopicKey, defaultTopicQueueNums });
      info = await this.#loading;
    } catch (error) {
      if (wireTopic === topic || !isRocketMQError(error, 'RMQ_ROUTE_NOT_FOUND')) throw error;
      throw rocketMQError('RMQ_ROUTE_NOT_FOUND', `${topic}: ${error.message}`, { topic }, { cause: error });
    }
    return info.topic === topic ? info : this.#translate(info, topic);
  }

  #translate(info: PublishInfo, topic: string): PublishInfo {
    const known = this.#translated.get(info);
    if (known !== undefined) return known;
    const queues = info.queues.map((queue) => ({ ...queue, topic }));
    const translated = frozenPublishInfo({ ...info, topic, queues });
    this.#translated.set(info, translated);
    return translated;
  }
}
