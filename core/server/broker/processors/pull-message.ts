import { inject, injectable } from 'inversify';
import { PullSysFlag } from '../../../remoting/protocol/flags.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { BrokerCounters } from '../broker-counters.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { BrokerSettings } from '../broker-settings.js';
import { ConsumerOffsetManager } from '../consumer-offset-manager.js';
import { ConsumerRegistry } from '../consumer-registry.js';
import { HeldPulls } from '../held-pulls.js';
import { type GetResult, MessageStore } from '../message-store.js';
import { SubscriptionGroupManager } from '../subscription-group-manager.js';
import type { TagMatcher } from '../tag-matcher.js';
import { TopicConfigManager } from '../topic-config-manager.js';
import { checkPull } from './pull-check.js';
import { type PullRequest, readPull } from './pull-fields.js';
import { pullResponseCode } from './pull-status.js';

type Respond = (response: OutgoingResponse) => void;

const MASTER_ID = 0;

/**
 * PULL_MESSAGE: checks, reads the store, and either answers or holds the pull until something comes. Matches Apache's
 * PullMessageProcessor (4.9.7).
 */
@injectable()
export class PullMessageProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #topics: TopicConfigManager;
  readonly #groups: SubscriptionGroupManager;
  readonly #consumers: ConsumerRegistry;
  readonly #offsets: ConsumerOffsetManager;
  readonly #heldPulls: HeldPulls;
  readonly #counters: BrokerCounters;
  readonly #clock: Clock;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.PULL_MESSAGE]: (
      request: RemotingCommand,
      connection: ServerConnection,
      respond: Respond,
    ): OutgoingResponse | 'later' => this.#process(readPull(request), connection, respond, true),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(ConsumerRegistry) consumers: ConsumerRegistry,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
    @inject(HeldPulls) heldPulls: HeldPulls,
    @inject(BrokerCounters) counters: BrokerCounters,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#store = store;
    this.#topics = topics;
    this.#groups = groups;
    this.#consumers = consumers;
    this.#offsets = offsets;
    this.#heldPulls = heldPulls;
    this.#counters = counters;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** `firstPass` is false for a pull that was held: it is not held again and commits nothing. */
  #process(
    pull: PullRequest,
    connection: ServerConnection,
    respond: Respond,
    firstPass: boolean,
  ): OutgoingResponse | 'later' {
    const checked = checkPull(pull, {
      settings: this.#settings,
      topics: this.#topics,
      groups: this.#groups,
      consumers: this.#consumers,
      consumer: connection.remoteAddress,
    });
    if ('code' in checked) return { code: checked.code, remark: checked.remark, ext: {} };
    const { matchesTagsCode } = checked;
    const found = this.#read(pull, matchesTagsCode);
    if (!('then' in found)) return this.#answerOrHold(found, pull, matchesTagsCode, connection, respond, firstPass);
    found
      .then((result) => {
        // What arrived while the disk was read found nobody waiting: the pull must not wait for the next.
        const overtaken = firstPass && this.#store.maxOffset(pull.topic, pull.queueId) > result.maxOffset;
        return overtaken && pullResponseCode(result.status, pull.queueOffset) === ResponseCode.PULL_NOT_FOUND
          ? this.#process(pull, connection, respond, firstPass)
          : this.#answerOrHold(result, pull, matchesTagsCode, connection, respond, firstPass);
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
  #answerHeld(pull: PullRequest, connection: ServerConnection, respond: Respond): void {
    try {
      const answer = this.#process(pull, connection, respond, false);
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
    matchesTagsCode: TagMatcher,
  ): GetResult | Promise<GetResult> {
    const messagesMax = Math.max(1, maxMsgNums);
    const options = matchesTagsCode === undefined ? { messagesMax } : { messagesMax, matchesTagsCode };
    return this.#store.get(topic, queueId, queueOffset, options);
  }

  #answerOrHold(
    result: GetResult,
    pull: PullRequest,
    matchesTagsCode: TagMatcher,
    connection: ServerConnection,
    respond: Respond,
    firstPass: boolean,
  ): OutgoingResponse | 'later' {
    const { topic, queueId, queueOffset } = pull;
    if (firstPass && (pull.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
      this.#offsets.commit(pull.consumerGroup, topic, queueId, pull.commitOffset);
    }
    const code = pullResponseCode(result.status, queueOffset);
    if (code === ResponseCode.SUCCESS) this.#counters.got(result.records);
    else this.#counters.missed();
    if (code === ResponseCode.PULL_NOT_FOUND && firstPass && (pull.sysFlag & PullSysFlag.SUSPEND) !== 0) {
      const { longPollingEnable, shortPollingTimeMills } = this.#settings;
      const holdMs = longPollingEnable ? pull.suspendTimeoutMillis : shortPollingTimeMills;
      const held = this.#heldPulls.hold({
        connection,
        topic,
        queueId,
        offset: queueOffset,
        expiresAtMs: this.#clock.monotonic() + holdMs,
        matchesTagsCode,
        answer: () => this.#answerHeld(pull, connection, respond),
      });
      if (held) return 'later';
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
}
