import { inject, injectable } from 'inversify';
import { popRetryTopicOf } from '../../../message/system-topics.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { checkPopTarget, type PopCheckScope } from '../pop/pop-check.js';
import { type PollingRequest, readPolling, readPopTarget } from '../pop/pop-fields.js';
import { PopReader } from '../pop/pop-reader.js';
import { PopWaiting } from '../pop/pop-waiting.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

type Respond = (response: OutgoingResponse) => void;

/**
 * NOTIFICATION and POLLING_INFO of 5.x: whether there are messages to pop, held until there are, and how many requests wait
 * for some. Matches Apache's NotificationProcessor and PollingInfoProcessor.
 */
@injectable()
export class PopNotificationProcessor implements BrokerProcessor {
  readonly #scope: PopCheckScope;
  readonly #reader: PopReader;
  readonly #waiting: PopWaiting;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.NOTIFICATION]: (request: RemotingCommand, connection: ServerConnection, respond: Respond) =>
      this.#tell(readPolling(request, this.#clock.now()), connection, respond),
    [RequestCode.POLLING_INFO]: (request: RemotingCommand, connection: ServerConnection): OutgoingResponse => {
      const target = readPopTarget(request);
      const config = checkPopTarget(target, this.#scope, connection.remoteAddress);
      if ('code' in config) return { ...config, ext: {} };
      const pollingNum = this.#waiting.pops.count(target.topic, target.group, target.queueId);
      return { code: ResponseCode.SUCCESS, ext: { pollingNum } };
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(PopReader) reader: PopReader,
    @inject(PopWaiting) waiting: PopWaiting,
    @inject(Clock) clock: Clock,
  ) {
    this.#scope = { settings, topics, groups };
    this.#reader = reader;
    this.#waiting = waiting;
    this.#clock = clock;
  }

  #tell(asked: PollingRequest, connection: ServerConnection, respond: Respond): OutgoingResponse | 'later' {
    const config = checkPopTarget(asked, this.#scope, connection.remoteAddress);
    if ('code' in config) return { ...config, ext: {} };
    const { group, topic, queueId, pollTime, bornTime } = asked;
    const hasMsg = this.#reader.hasMessages(asked, config);
    const held = hasMsg
      ? 'late'
      : this.#waiting.notifications.hold({
          ...{ connection, group, topic, queueId, pollTime },
          matchesTagsCode: undefined,
          expiresAt: bornTime + pollTime,
          retryTopic: popRetryTopicOf(topic, group),
          answer: () => {
            const answer = this.#tell(asked, connection, respond);
            if (answer !== 'later') respond(answer);
          },
        });
    return held === 'held' ? 'later' : { code: ResponseCode.SUCCESS, ext: { hasMsg, pollingFull: held === 'full' } };
  }
}
