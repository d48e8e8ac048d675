import { inject, injectable } from 'inversify';
import { popRetryTopicOf } from '../../../message/system-topics.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { TopicConfig } from '../../../remoting/protocol/topic-config.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { PropertyFilters } from '../filters/property-filters.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { checkPopTarget, filterOfPop, refusePop } from '../pop/pop-check.js';
import { type PopRequest, readPop } from '../pop/pop-fields.js';
import { type Popped, PopReader } from '../pop/pop-reader.js';
import { formatInfoItem } from '../pop/pop-receipt.js';
import { PopWaiting } from '../pop/pop-waiting.js';
import type { PullFilter } from '../pull/pull-check.js';
import type { Refusal } from '../refusal.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { BrokerCounters } from '../stats/broker-counters.js';
import { BrokerStats } from '../stats/broker-stats.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

type Respond = (response: OutgoingResponse) => void;

/** A pop that was found good, and who asked. */
interface CheckedPop {
  readonly pop: PopRequest;
  readonly config: TopicConfig;
  readonly filter: PullFilter;
  readonly connection: ServerConnection;
  readonly respond: Respond;
}

/**
 * POP_MESSAGE of 5.x: hands out messages that are the consumer's own for a while, or holds the request until some come.
 * Matches Apache's PopMessageProcessor (5.x).
 */
@injectable()
export class PopMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #filters: PropertyFilters;
  readonly #reader: PopReader;
  readonly #waiting: PopWaiting;
  readonly #counters: BrokerCounters;
  readonly #stats: BrokerStats;
  readonly #clock: Clock;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.POP_MESSAGE]: (
      request: RemotingCommand,
      connection: ServerConnection,
      respond: Respond,
    ): OutgoingResponse | 'later' => this.#begin(readPop(request, this.#clock.now()), connection, respond),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(PropertyFilters) filters: PropertyFilters,
    @inject(PopReader) reader: PopReader,
    @inject(PopWaiting) waiting: PopWaiting,
    @inject(BrokerCounters) counters: BrokerCounters,
    @inject(BrokerStats) stats: BrokerStats,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#groups = groups;
    this.#filters = filters;
    this.#reader = reader;
    this.#waiting = waiting;
    this.#counters = counters;
    this.#stats = stats;
    this.#clock = clock;
    this.#logger = logger;
  }

  #begin(pop: PopRequest, connection: ServerConnection, respond: Respond): OutgoingResponse | 'later' {
    const refusal = refusePop(pop, this.#settings, this.#clock.now());
    if (refusal !== undefined) return { ...refusal, ext: {} };
    const config = this.#target(pop, connection);
    if ('code' in config) return { ...config, ext: {} };
    const filter = filterOfPop(pop, this.#settings, this.#filters);
    if ('code' in filter) return { ...filter, ext: {} };
    this.#look({ pop, config, filter, connection, respond });
    return 'later';
  }

  #target(pop: PopRequest, connection: ServerConnection): TopicConfig | Refusal {
    const scope = { settings: this.#settings, topics: this.#topics, groups: this.#groups };
    return checkPopTarget(pop, scope, connection.remoteAddress);
  }

  /** Topic and group may be others by now, or gone. */
  #lookAgain(checked: CheckedPop): void {
    const config = this.#target(checked.pop, checked.connection);
    if ('code' in config) checked.respond({ ...config, ext: {} });
    else this.#look({ ...checked, config });
  }

  #look(checked: CheckedPop): void {
    const { pop, config, filter, connection, respond } = checked;
    // What nobody can be given would be away until it is revived.
    if (connection.closed) return;
    this.#reader.pop(pop, config, filter).then(
      (popped) => this.#answer(popped, checked),
      (error: unknown) => {
        const { topic, group, queueId } = pop;
        this.#logger.error('a pop could not be answered from the store', { topic, group, queueId, error });
        respond({ code: ResponseCode.SYSTEM_ERROR, remark: String(error), ext: {} });
      },
    );
  }

  #answer(popped: Popped, checked: CheckedPop): void {
    const { pop, filter, connection, respond } = checked;
    const { group, topic, queueId } = pop;
    const { queues, failure, restNum, isMore } = popped;
    const count = queues.reduce((sum, { records }) => sum + records.length, 0);
    if (count > 0) {
      this.#counters.got(count);
      this.#stats.got(topic, group, count);
      respond(answerOf(ResponseCode.SUCCESS, 'FOUND', popped, pop));
      if (restNum > 0) this.#waiting.pops.wake(topic, group, queueId);
      return;
    }
    this.#counters.missed();
    if (failure !== undefined) {
      respond({ code: ResponseCode.SYSTEM_ERROR, remark: failure, ext: {} });
      return;
    }
    const { matchesTagsCode } = filter;
    const { bornTime, pollTime } = pop;
    const held = this.#waiting.pops.hold({
      ...{ connection, group, topic, queueId, pollTime, matchesTagsCode },
      expiresAt: bornTime + pollTime,
      retryTopic: popRetryTopicOf(topic, group),
      answer: () => this.#lookAgain(checked),
    });
    // What came while the disk was read, or what one look at the queues leaves, found nobody waiting.
    if (held === 'held' && isMore) this.#waiting.pops.wake(topic, group, queueId);
    if (held === 'held') return;
    const code = held === 'full' ? ResponseCode.POLLING_FULL : ResponseCode.POLLING_TIMEOUT;
    respond(answerOf(code, 'NO_MESSAGE_IN_QUEUE', popped, pop));
  }
}

function answerOf(
  code: number,
  remark: string,
  popped: Popped,
  { invisibleTime, order }: PopRequest,
): OutgoingResponse {
  const { popTime, reviveQueueId, restNum, queues } = popped;
  const items = queues.map(({ retryFlag, queueId, startOffset }) => formatInfoItem(retryFlag, queueId, startOffset));
  const messages = queues.map(({ retryFlag, queueId, offsets }) => formatInfoItem(retryFlag, queueId, offsets.join()));
  return {
    code,
    remark,
    ext: {
      popTime,
      invisibleTime,
      reviveQid: reviveQueueId,
      restNum,
      startOffsetInfo: items.join(';'),
      msgOffsetInfo: messages.join(';'),
      ...(order && { orderCountInfo: queues.flatMap(({ counts = [] }) => counts).join(';') }),
    },
    bodyParts: queues.flatMap(({ records }) => records),
  };
}
