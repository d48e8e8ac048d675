import type { MessageQueue, OutgoingMessage } from '../message/message.js';
import { differInTopicOnly, messagesOf, withTopic } from '../message/outgoing-batch.js';
import type { PublishInfo } from '../routing/topic-route.js';
import type { AttemptOutcome, BrokerFacts, Payload, SendFacts, SettledContext, StateKey } from './context.js';
import { brokenBy, type ContextChange } from './context-change.js';
import type { SendState } from './send-state.js';
import type { CompressInput, RouteInput, SelectInput, SendInput } from './stage.js';

/**
 * The one class behind the contexts of all gaps. The types of each gap show what is known there; at run time what is not
 * known yet is undefined. For an interceptor a context never changes: `with` makes another. Stages refine it, and where no
 * interceptor can have seen the context before, they refine that very object.
 */
export class PipelineContext implements RouteInput, SelectInput, CompressInput, SendInput, SettledContext {
  /** The send's own; not for interceptors. */
  declare readonly state: SendState;
  /** As it was given; interceptors are shown `message`. Not for them. */
  declare readonly given: OutgoingMessage;
  declare publishInfo: PublishInfo;
  declare attempt: number;
  declare queue: MessageQueue;
  declare payload: Payload;
  declare outcome: AttemptOutcome;

  constructor(
    state: SendState,
    given: OutgoingMessage,
    publishInfo: PublishInfo | undefined,
    attempt: number,
    queue: MessageQueue | undefined,
    payload: Payload | undefined,
    outcome: AttemptOutcome | undefined,
  ) {
    this.state = state;
    this.given = given;
    this.publishInfo = publishInfo as PublishInfo;
    this.attempt = attempt;
    this.queue = queue as MessageQueue;
    this.payload = payload as Payload;
    this.outcome = outcome as AttemptOutcome;
  }

  get send(): SendFacts {
    return this.state;
  }

  /** Made when it is first looked at: most interceptors never do, and a copy costs more than the rest of the pipeline. */
  get message(): OutgoingMessage {
    return this.state.shown(this.given);
  }

  get topic(): string {
    return this.given.topic;
  }

  get batch(): readonly OutgoingMessage[] | undefined {
    return this.state.batch === undefined ? undefined : messagesOf(this.given);
  }

  get broker(): BrokerFacts {
    const name = this.queue.brokerName;
    return { name, address: this.state.chain.routes.brokerAddress(name) };
  }

  get signal(): AbortSignal {
    return this.state.signal;
  }

  get<T>(key: StateKey<T>): T | undefined {
    return this.state.slot(key);
  }

  set<T>(key: StateKey<T>, value: T): void {
    this.state.setSlot(key, value);
  }

  with(change: ContextChange): PipelineContext {
    const rule = brokenBy(change);
    if (rule !== undefined) throw this.state.misuse(this.state.position, rule);
    this.refuseLateChange(change);
    const message = this.state.batch === undefined ? changedMessage(this.given, change) : this.changedBatch(change);
    if (message !== this.given) this.state.chain.recheck(this.state, message);
    return new PipelineContext(
      this.state,
      message,
      this.publishInfo,
      this.attempt,
      change.queue ?? this.queue,
      change.payload ?? this.payload,
      this.outcome,
    );
  }

  routed(publishInfo: PublishInfo): PipelineContext {
    const { state, given } = this;
    if (!state.chain.unseen.created)
      return new PipelineContext(state, given, publishInfo, 0, undefined, undefined, undefined);
    this.publishInfo = publishInfo;
    return this;
  }

  attempted(queue: MessageQueue, publishInfo: PublishInfo): PipelineContext {
    const { state, given } = this;
    if (!state.chain.unseen.routed || state.attempt > 0 || this.attempt > 0)
      return new PipelineContext(state, given, publishInfo, state.attempt + 1, queue, undefined, undefined);
    this.publishInfo = publishInfo;
    this.attempt = 1;
    this.queue = queue;
    return this;
  }

  encoded(payload: Payload): PipelineContext {
    const { state, given, publishInfo, attempt, queue } = this;
    if (!state.chain.unseen.attempt)
      return new PipelineContext(state, given, publishInfo, attempt, queue, payload, undefined);
    this.payload = payload;
    return this;
  }

  settled(outcome: AttemptOutcome): PipelineContext {
    const { state, given, publishInfo, attempt, queue, payload } = this;
    state.outcome = outcome;
    state.outcomeQueue = queue;
    if (!state.chain.unseen.encoded)
      return new PipelineContext(state, given, publishInfo, attempt, queue, payload, outcome);
    this.outcome = outcome;
    return this;
  }

  private changedBatch(change: ContextChange): OutgoingMessage {
    const { given: message, state } = this;
    if (change.batch !== undefined && change.batch.length !== state.batch?.length) {
      throw state.misuse(state.position, `with() keeps a batch of ${state.batch?.length} messages at their number`);
    }
    if (change.message !== undefined && !differInTopicOnly(change.message, message)) {
      throw state.misuse(
        state.position,
        'with() changes the messages of a batch by `batch`, not by `message`; eachMessage(context, change) does either',
      );
    }
    const given = change.batch === undefined ? message : state.chain.rebatch(state, change.batch);
    const topic = change.topic ?? change.message?.topic ?? given.topic;
    return topic === given.topic ? given : withTopic(given, topic);
  }

  /** The compiler refuses these by gap; plain JavaScript is told here. */
  private refuseLateChange(change: ContextChange): void {
    if (change.topic !== undefined && this.publishInfo !== undefined) this.refuse('topic', 'before the stage route');
    if (change.batch !== undefined && this.state.batch === undefined) this.refuse('batch', 'of a send that is one');
    const given = change.batch?.[0] ?? change.message;
    if (given !== undefined) {
      const what = change.batch === undefined ? 'message' : 'batch';
      if (this.payload !== undefined) this.refuse(what, 'before the stage compress');
      if (this.publishInfo !== undefined && given.topic !== this.given.topic) {
        this.refuse(`${what}.topic`, 'before the stage route');
      }
    }
    if (change.queue !== undefined && (this.queue === undefined || this.outcome !== undefined)) {
      this.refuse('queue', 'between the stages select and send');
    }
    if (change.queue !== undefined && change.queue.topic !== this.given.topic) {
      this.refuse('queue', 'to another of the same topic');
    }
    if (change.payload !== undefined && (this.payload === undefined || this.outcome !== undefined)) {
      this.refuse('payload', 'between the stages compress and send');
    }
  }

  private refuse(what: string, where: string): never {
    throw this.state.misuse(this.state.position, `with() can change ${what} only ${where}`);
  }
}

function changedMessage(message: OutgoingMessage, change: ContextChange): OutgoingMessage {
  const given = change.message ?? message;
  const topic = change.topic ?? given.topic;
  return topic === given.topic ? given : { ...given, topic };
}
