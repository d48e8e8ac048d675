import { inject, injectable } from 'inversify';
import { TIMERS_FIELD } from '../../../message/delay.js';
import { retryTopicOf } from '../../../message/system-topics.js';
import { TopicSysFlag } from '../../../remoting/protocol/flags.js';
import { type ConsumerData, decodeHeartbeatData } from '../../../remoting/protocol/heartbeat-data.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import type { ClientChannel } from '../clients/client-channel.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { ProducerRegistry } from '../clients/producer-registry.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** HEART_BEAT: which producers and consumers live on this connection, and what they subscribe to. */
@injectable()
export class HeartBeatProcessor implements BrokerProcessor {
  readonly #groups: SubscriptionGroupManager;
  readonly #topics: TopicConfigManager;
  readonly #producers: ProducerRegistry;
  readonly #consumers: ConsumerRegistry;
  readonly #settings: BrokerSettings;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.HEART_BEAT]: (request: RemotingCommand, connection: ServerConnection): OutgoingResponse => {
      const { clientID, producerDataSet, consumerDataSet } = decodeHeartbeatData(request.body);
      const { language, version } = request;
      const nowMs = this.#clock.monotonic();
      const channel: ClientChannel = { connection, clientId: clientID, language, version, lastHeardMs: nowMs };
      // What closed while its heartbeat was under way must not come back as a member for two minutes.
      if (!connection.closed) {
        for (const data of consumerDataSet) {
          this.#createRetryTopic(data);
          this.#consumers.register(data, channel, nowMs);
        }
        for (const { groupName } of producerDataSet) this.#producers.register(groupName, channel, nowMs);
      }
      // Java's clients pass over what they do not ask for.
      return { code: ResponseCode.SUCCESS, ext: { [TIMERS_FIELD]: this.#settings.timerWheelEnable } };
    },
  };

  constructor(
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(ProducerRegistry) producers: ProducerRegistry,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(Clock) clock: Clock,
  ) {
    this.#settings = settings;
    this.#groups = groups;
    this.#topics = topics;
    this.#producers = producers;
    this.#consumers = consumers;
    this.#clock = clock;
  }

  /** A consumer asks for its retry topic's route right after this; a group that may not be created gets none. */
  #createRetryTopic({ groupName, unitMode }: ConsumerData): void {
    const group = this.#groups.find(groupName);
    if (group === undefined) return;
    this.#topics.createPlain(retryTopicOf(groupName), group.retryQueueNums, unitMode ? TopicSysFlag.UNIT_SUB : 0);
  }
}
