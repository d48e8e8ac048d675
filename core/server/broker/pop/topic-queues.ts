import { inject, injectable } from 'inversify';
import type { MessageQueue } from '../../../message/message.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { decodeTopicRouteBody } from '../../../remoting/protocol/topic-route-body.js';
import { RemotingClient } from '../../../remoting/remoting-client.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { QUEUE_NUMS_MAX } from '../topics/topic-config.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** Apache's loadBalancePollNameServerInterval. */
const FRESH_MS = 30_000;
const ASK_TIMEOUT_MS = 3_000;

interface Answer {
  readonly queues: Promise<readonly MessageQueue[] | undefined>;
  readonly askedAtMs: number;
}

/**
 * The readable queues of a topic on all brokers, as the name servers know them; where none of them answers, those of this
 * broker. Matches Apache's TopicRouteInfoManager (5.x).
 */
@injectable()
export class TopicQueues {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #client: RemotingClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #answers = new Map<string, Answer>();

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(RemotingClient) client: RemotingClient,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#client = client;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Undefined for a topic that nobody knows. */
  async of(topic: string): Promise<readonly MessageQueue[] | undefined> {
    const nowMs = this.#clock.monotonic();
    let answer = this.#answers.get(topic);
    if (answer === undefined || nowMs - answer.askedAtMs >= FRESH_MS) {
      answer = { queues: this.#ask(topic), askedAtMs: nowMs };
      this.#answers.set(topic, answer);
    }
    const queues = await answer.queues;
    if (queues !== undefined) return queues;
    // A topic that is made in the next moment must not be unknown for half a minute.
    if (this.#answers.get(topic) === answer) this.#answers.delete(topic);
    return this.#own(topic);
  }

  /** From the first name server that knows the topic. */
  async #ask(topic: string): Promise<readonly MessageQueue[] | undefined> {
    const request = { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, ext: { topic, acceptStandardJsonOnly: true } };
    for (const nameServer of this.#settings.nameServers) {
      try {
        const { code, body } = await this.#client.invoke(nameServer, request, { timeoutMs: ASK_TIMEOUT_MS });
        if (code === ResponseCode.SUCCESS) return readableQueues(topic, body);
      } catch (error) {
        this.#logger.warn('a name server could not be asked for the queues of a topic', { nameServer, topic, error });
      }
    }
    return undefined;
  }

  #own(topic: string): readonly MessageQueue[] | undefined {
    const config = this.#topics.find(topic);
    if (config === undefined) return undefined;
    return queuesOf(topic, this.#settings.brokerName, (config.perm & Permission.READ) === 0 ? 0 : config.readQueueNums);
  }
}

function readableQueues(topic: string, body: Buffer): MessageQueue[] {
  return decodeTopicRouteBody(body)
    .queueDatas.filter(({ perm }) => (perm & Permission.READ) !== 0)
    .flatMap(({ brokerName, readQueueNums }) => queuesOf(topic, brokerName, readQueueNums));
}

/** No more than a topic of ours can have: whoever registers a broker may say any number. */
function queuesOf(topic: string, brokerName: string, queueNums: number): MessageQueue[] {
  return Array.from({ length: Math.min(queueNums, QUEUE_NUMS_MAX) }, (_, queueId) => ({ topic, brokerName, queueId }));
}
