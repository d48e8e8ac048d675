import { inject, injectable } from 'inversify';
import { PullSysFlag } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerRegistry } from '../clients/consumer-registry.js';
import { PropertyFilters } from '../filters/property-filters.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { type GetResult, MessageStore } from '../message-store.js';
import { HeldPulls } from '../pull/held-pulls.js';
import { checkPull, type PullFilter } from '../pull/pull-check.js';
import { type PullRequest, readPull } from '../pull/pull-fields.js';
import { pullResponseCode } from '../pull/pull-status.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { BrokerCounters } from '../stats/broker-counters.js';
import { BrokerStats } from '../stats/broker-stats.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

type Respond = (response: OutgoingResponse) => void;

const MASTER_ID = 0;

/**
 * PULL_MESSAGE, and LITE_PULL_MESSAGE of 5.x, which is the same: checks, reads the store, and either answers or holds the pull
 * until something comes. Matches Apache's PullMessageProcessor (4.9.7).
 */
@injectable()
export class PullMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #consumers: ConsumerRegistry;
  readonly #offsets: ConsumerOffsetManager;
  readonly #filters: PropertyFilters;
  readonly #heldPulls: HeldPulls;
  readonly #counters: BrokerCounters;
  readonly #stats: BrokerStats;
  readonly #clock: Clock;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.PULL_MESSAGE]: (
      request: RemotingCommand,
      connection: ServerConnection,
      respond: Respond,
    ): OutgoingResponse | 'later' => this.#process(readPull(request), connection, respond),
    [RequestCode.LITE_PULL_MESSAGE]: (
      request: RemotingCommand,
      connection: ServerConnection,
      respond: Respond,
    ): OutgoingResponse | 'later' => this.#process(readPull(request, 'lite'), connection, respond),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(PropertyFilters) filters: PropertyFilters,
    @inject(HeldPulls) heldPulls: HeldPulls,
    @inject(BrokerCounters) counters: BrokerCounters,
    @inject(BrokerStats) stats: BrokerStats,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#consumers = consumers;
    this.#offsets = offsets;
    this.#filters = filters;
    this.#heldPulls = heldPulls;
    this.#counters = counters;
    this.#stats = stats;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** @param heldUntilMs of a pull that was held: it commits nothing, and is held no longer than that */
  #process(
    pull: PullRequest,
    connection: ServerConnection,
    respond: Respond,
    heldUntilMs?: number,
  ): OutgoingResponse | 'later' {
    const checked = checkPull(pull, {
      settings: this.#settings,
      topics: this.#topics,
      groups: this.#groups,
      consumers: this.#consumers,
      filters: this.#filters,
      consumer: connection.remoteAddress,
    });
    if ('code' in checked) return { code: checked.code, remark: checked.remark, ext: {} };
    const found = this.#read(pull, checked);
    if (!('then' in found)) return this.#answerOrHold(found, pull, checked, connection, respond, heldUntilMs);
    found
      .then((result) => {
        // What arrived while the disk was read found nobody waiting: the pull must not wait for the next.
        const overtaken =
          heldUntilMs === undefined && this.#store.maxOffset(pull.topic, pull.queueId) > result.maxOffset;
        return overtaken && pullResponseCode(result.status, pull.queueOffset) === ResponseCode.PULL_NOT_FOUND
          ? this.#process(pull, connection, respond)
          : this.#answerOrHold(result, pull, checked, connection, respond, heldUntilMs);
      })
      .then(
        (answer) => {
          if (answer !== 'later') respond(answer);
        },
        (error: unknown) => respond(this.#failed(pull, error)),
      );
    return 'later';
  }

  /** The second pass of a pull that was held; nobody is there to catch what it throws. */
  #answerHeld(pull: PullRequest, connection: ServerConnection, respond: Respond, heldUntilMs: number): void {
    try {
      const answer = this.#process(pull, connection, respond, heldUntilMs);
      if (answer !== 'later') respond(answer);
    } catch (error) {
      respond(this.#failed(pull, error));
    }
  }

  #failed({ topic, queueId }: PullRequest, error: unknown): OutgoingResponse {
    this.#logger.error('a pull could not be answered from the store', { topic, queueId, error });
    return { code: ResponseCode.SYSTEM_ERROR, remark: String(error), ext: {} };
  }

  #read(
    { topic, queueId, queueOffset, maxMsgNums }: PullRequest,
    { matchesTagsCode, matchesRecord }: PullFilter,
  ): GetResult | Promise<GetResult> {
    const messagesMax = Math.max(1, maxMsgNums);
    return this.#store.get(topic, queueId, queueOffset, {
      messagesMax,
      ...(matchesTagsCode && { matchesTagsCode }),
      ...(matchesRecord && { matchesRecord }),
    });
  }

  #answerOrHold(
    result: GetResult,
    pull: PullRequest,
    filter: PullFilter,
    connection: ServerConnection,
    respond: Respond,
    heldUntilMs: number | undefined,
  ): OutgoingResponse | 'later' {
    const { topic, queueId, queueOffset } = pull;
    if (heldUntilMs === undefined && (pull.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      this.#offsets.commit(pull.consumerGroup, topic, queueId, pull.commitOffset);
    }
    const code = pullResponseCode(result.status, queueOffset);
    this.#count(code, pull, result.records.length);
    const untilMs = this.#waitsUntil(code, pull, filter, heldUntilMs);
    if (untilMs !== undefined) {
      // What was passed over need not be looked at again when something comes.
      const rest = filter.matchesRecord ? { ...pull, queueOffset: result.nextBeginOffset } : pull;
      if (this.#hold(rest, filter, connection, respond, untilMs)) return 'later';
    }
    return {
      code,
      remark: result.status,
      ext: {
        suggestWhichBrokerId: MASTER_ID,
        nextBeginOffset: result.nextBeginOffset,
        minOffset: result.minOffset,
        maxOffset: result.maxOffset,
      },
      bodyParts: result.records,
    };
  }

  #count(code: number, { topic, consumerGroup }: PullRequest, messages: number): void {
    if (code === ResponseCode.SUCCESS) {
      this.#counters.got(messages);
      this.#stats.got(topic, consumerGroup, messages);
    } else this.#counters.missed();
  }

  /**
   * Monotonic milliseconds until which the pull waits for a message; undefined when it is answered now. A held pull waits on
   * when an expression over properties does not match what woke it: only the tag's hash is known before the record is read.
   */
  #waitsUntil(
    code: number,
    { sysFlag, suspendTimeoutMillis }: PullRequest,
    { matchesRecord }: PullFilter,
    heldUntilMs: number | undefined,
  ): number | undefined {
    if ((sysFlag & PullSysFlag.SUSPEND) === 0) return undefined;
    const nowMs = this.#clock.monotonic();
    if (heldUntilMs !== undefined) {
      const woken = matchesRecord !== undefined && code === ResponseCode.PULL_RETRY_IMMEDIATELY;
      return woken && nowMs < heldUntilMs ? heldUntilMs : undefined;
    }
    if (code !== ResponseCode.PULL_NOT_FOUND) return undefined;
    const { longPollingEnable, shortPollingTimeMills } = this.#settings;
    return nowMs + (longPollingEnable ? suspendTimeoutMillis : shortPollingTimeMills);
  }

  #hold(
    pull: PullRequest,
    { matchesTagsCode }: PullFilter,
    connection: ServerConnection,
    respond: Respond,
    expiresAtMs: number,
  ): boolean {
    const { topic, queueId, queueOffset: offset } = pull;
    const answer = () => this.#answerHeld(pull, connection, respond, expiresAtMs);
    return this.#heldPulls.hold({ connection, topic, queueId, offset, expiresAtMs, matchesTagsCode, answer });
  }
}
