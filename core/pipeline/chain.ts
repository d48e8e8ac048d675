import type { Observable } from 'rxjs';
import { isRocketMQError, type RocketMQError, rocketMQError } from '../errors/rocketmq-error.js';
import type { OutgoingMessage } from '../message/message.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import { watchRejection } from '../runtime/watch-rejection.js';
import type { SendContext } from './context.js';
import type { EventHub } from './event-hub.js';
import type { StageEvent } from './events.js';
import { Guard } from './guard.js';
import type { SendHandler, SendInterceptor, StageName } from './interceptor.js';
import { isPending, Pending } from './pending.js';
import type { PipelineContext } from './pipeline-context.js';
import type { SendResult } from './send-result.js';
import type { SendState, Whereabouts } from './send-state.js';

/** One layer of the chain: a stage, or a plugin's interceptor in the gap before a stage. */
export interface ChainNode {
  /** The stage itself, or the one whose gap the interceptor is in. */
  readonly stage: StageName;
  /** Undefined for a stage. */
  readonly plugin: string | undefined;
  /** Of a stage: the plugin that has put it in the place of the client's own. */
  readonly boundBy: string | undefined;
  readonly run: SendInterceptor<SendContext>;
}

/** What the chain takes from its producer. */
export interface ChainServices {
  readonly group: string;
  readonly routes: RouteTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventHub;
  /** Asked when an interceptor replaces a message that stage 1 has passed. */
  readonly validate: ((message: OutgoingMessage) => void) | undefined;
}

/**
 * The composed chain of one producer: every layer's `next` is made here, once, and holds its interceptor to the
 * contract. What belongs to one send is in that send's state.
 */
export class Chain {
  readonly group: string;
  readonly routes: RouteTable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventHub;
  readonly nodes: readonly ChainNode[];
  /** Whether any interceptor sees what is sent. */
  readonly shown: boolean;
  /** Which contexts no interceptor ever sees, because its gaps are empty: stages may refine these in place. */
  readonly unseen: {
    readonly created: boolean;
    readonly routed: boolean;
    readonly attempt: boolean;
    readonly encoded: boolean;
    readonly settled: boolean;
  };
  /** Runs a send through all layers. */
  readonly handler: SendHandler<SendContext>;
  readonly #validate: ((message: OutgoingMessage) => void) | undefined;
  readonly #checkIndex: number;
  readonly #selectIndex: number;
  /** Errors that were made or labelled here; everything else that a plugin ends with gets a label. */
  readonly #known = new WeakSet<object>();

  constructor(nodes: readonly ChainNode[], services: ChainServices) {
    this.group = services.group;
    this.routes = services.routes;
    this.clock = services.clock;
    this.logger = services.logger;
    this.events = services.events;
    this.nodes = nodes;
    this.shown = nodes.some((node) => node.plugin !== undefined);
    const isEmpty = (stage: StageName) => !nodes.some((node) => node.plugin !== undefined && node.stage === stage);
    this.unseen = {
      created: isEmpty('check') && isEmpty('route'),
      routed: isEmpty('select'),
      attempt: isEmpty('compress'),
      encoded: isEmpty('send'),
      settled: isEmpty('updateFault'),
    };
    this.#validate = services.validate;
    this.#checkIndex = indexOfStage(nodes, 'check');
    this.#selectIndex = indexOfStage(nodes, 'select');
    let next: SendHandler<SendContext> = (context) => this.#beyondEnd(context as PipelineContext);
    for (let index = nodes.length - 1; index >= 0; index--) next = this.#link(index, nodes[index]!, next);
    this.handler = next;
  }

  /** The name of a layer in errors: `stage route`, `plugin tracing before send`. */
  nameOf(node: number): string {
    const { stage, plugin, boundBy } = this.nodes[Math.max(node, 0)]!;
    if (plugin !== undefined) return `plugin ${plugin} before ${stage}`;
    return boundBy === undefined ? `stage ${stage}` : `stage ${stage} of plugin ${boundBy}`;
  }

  whereabouts(node: number): Whereabouts {
    const { stage, boundBy, plugin = boundBy } = this.nodes[Math.max(node, 0)]!;
    return plugin === undefined ? { stage } : { plugin };
  }

  /** Remembers an error as the pipeline's own. */
  keep<E extends RocketMQError>(error: E): E {
    this.#known.add(error);
    return error;
  }

  /** What a layer's error is called: the pipeline's own and vetoes stay, what a plugin threw gets its name. */
  label(error: unknown, node: number): RocketMQError {
    const { stage, plugin, boundBy } = this.nodes[Math.max(node, 0)]!;
    if (isRocketMQError(error)) {
      if (this.#known.has(error)) return error;
      if (plugin === undefined || error.code === 'RMQ_SEND_FORBIDDEN') return this.keep(error);
    }
    const name = plugin ?? boundBy ?? `stage ${stage}`;
    const words = error instanceof Error ? error.message : String(error);
    return this.keep(
      rocketMQError('RMQ_PLUGIN_FAILED', `${this.nameOf(node)} failed: ${words}`, { plugin: name }, { cause: error }),
    );
  }

  /** What a layer throws when nobody can be told any more. */
  complain(node: number, error: unknown): void {
    const { boundBy, plugin = boundBy } = this.nodes[Math.max(node, 0)]!;
    this.logger.error(`${this.nameOf(node)} failed when its part of a send was over`, { plugin, error });
  }

  misuseError(node: number, rule: string): RocketMQError {
    const interceptor = this.nameOf(node);
    const message = `${interceptor} broke the pipeline contract: ${rule}`;
    return this.keep(rocketMQError('RMQ_PIPELINE_MISUSE', message, { interceptor, rule }));
  }

  /** An Observable of an error of a layer. */
  fail(state: SendState, node: number, error: unknown): Pending {
    const pending = new Pending(state, node);
    pending.onError(this.label(error, node));
    return pending;
  }

  /** Makes what a layer returned one of the chain's own; passes on what is one already. */
  own(observable: Observable<SendResult>, state: SendState, node: number): Pending {
    // Two fields tell it, at every layer of every send; the brand is for what is not as usual.
    const pending = observable as Pending | undefined;
    if (pending?.state === state && pending.taken === false) return pending;
    if (isPending(observable) && observable.state === state) {
      return this.fail(state, node, state.misuse(node, 'it returns an Observable that it subscribed itself'));
    }
    if (typeof observable?.subscribe !== 'function') {
      // An asynchronous function without fromAsync: this is its error, not what it may reject with later.
      watchRejection(observable, () => {});
      return this.fail(state, node, state.misuse(node, 'it returns an Observable'));
    }
    return new Guard(state, node, observable);
  }

  /** Lets stage 1 look again at a message that was replaced after it had passed. @throws RMQ_MESSAGE_ILLEGAL */
  recheck(state: SendState, message: OutgoingMessage): void {
    if (this.#validate === undefined || state.position <= this.#checkIndex) return;
    try {
      this.#validate(message);
    } catch (error) {
      throw this.label(this.#madeIllegal(state, error), this.#checkIndex);
    }
  }

  /** The caller's own message was legal: says whose this one is. */
  #madeIllegal({ position }: SendState, error: unknown): unknown {
    if (!isRocketMQError(error, 'RMQ_MESSAGE_ILLEGAL')) return error;
    const { message, field, topic, index } = error;
    const words = `What ${this.nameOf(position)} made of the message is illegal: ${message}`;
    const where = { ...(topic !== undefined && { topic }), ...(index !== undefined && { index }) };
    return rocketMQError('RMQ_MESSAGE_ILLEGAL', words, { field, ...where }, { cause: error });
  }

  /** Lets the send's producer make a batch of other messages. @throws RMQ_MESSAGE_ILLEGAL */
  rebatch(state: SendState, messages: readonly OutgoingMessage[]): OutgoingMessage {
    try {
      return state.encodeBatch!(messages);
    } catch (error) {
      throw this.label(this.#madeIllegal(state, error), this.#checkIndex);
    }
  }

  watches(state: SendState): boolean {
    return this.events.observed || state.listener !== undefined;
  }

  emit(state: SendState, event: StageEvent): void {
    state.listener?.(event);
    this.events.emit(event);
  }

  /** The last event of a send. */
  tellEnd(state: SendState, result: SendResult | undefined, error: RocketMQError | undefined): void {
    if (!this.watches(state)) return;
    const { topic, msgId, batch, attempt } = state;
    const atMs = this.clock.monotonic();
    if (result !== undefined) this.emit(state, { type: 'done', topic, msgId, batch, atMs, attempt, result });
    else this.emit(state, { type: 'failed', topic, msgId, batch, atMs, attempt, error, final: true });
  }

  /** An attempt failed and another may follow. */
  tellAttemptFailed(state: SendState, error: unknown): void {
    if (!this.watches(state)) return;
    const { topic, msgId, batch, attempt } = state;
    this.emit(state, {
      type: 'failed',
      topic,
      msgId,
      batch,
      atMs: this.clock.monotonic(),
      attempt,
      error,
      final: false,
    });
  }

  #link(index: number, node: ChainNode, next: SendHandler<SendContext>): SendHandler<SendContext> {
    const { run, stage } = node;
    const isStage = node.plugin === undefined;
    const afterSelect = index === this.#selectIndex + 1;
    const inAttempt = index > this.#selectIndex;
    const isBehindPlugin = this.nodes[index - 1]?.plugin !== undefined;
    return (context) => {
      const { state, attempt, routed } = context as PipelineContext;
      // A copy of a context has its fields, but not what it inherits.
      if (state === undefined || state.chain !== this || routed === undefined) throw this.#forged(index - 1);
      if (state.over || state.position !== index - 1 || (inAttempt && attempt !== state.attempt)) {
        if (!afterSelect || !this.#beginAttempt(state, attempt)) return this.#refuse(state, index - 1);
      }
      if (isBehindPlugin) {
        const late = this.#lateFrom(state, index - 1);
        if (late !== undefined) return late;
      }
      // A plugin that changed its context in place would change it for whoever has it, and for nobody's eyes.
      if (!isStage) Object.freeze(context);
      state.position = index;
      if (this.events.observed || state.listener !== undefined) {
        if (afterSelect) this.#tellAttempt(context as PipelineContext);
        if (isStage) this.#tellStage(state, stage, attempt);
      }
      let pending: Pending;
      try {
        const rest = run(context, next);
        if (state.standIn !== undefined && rest === state.standIn) return rest;
        pending = this.own(rest, state, index);
      } catch (error) {
        pending = this.fail(state, index, error);
      }
      if (pending.hasSteps) pending.claimSteps(index);
      pending.holder = index;
      if (afterSelect) state.attemptPending = pending;
      return pending;
    };
  }

  /**
   * A plugin may have kept the whole process busy: what takes its time from here on reads it anew, and what is late by now
   * is not sent.
   */
  #lateFrom(state: SendState, caller: number): Pending | undefined {
    const nowMs = this.clock.monotonic();
    if (!Number.isNaN(state.freshMs)) state.freshMs = nowMs;
    if (nowMs < state.deadlineMs) return undefined;
    return this.fail(state, caller, state.timedOut(this.whereabouts(caller)));
  }

  /** Whether select may begin this attempt now: the first, or the next after the one before has ended. */
  #beginAttempt(state: SendState, attempt: number): boolean {
    if (state.over || attempt !== state.attempt + 1) return false;
    if (state.attemptPending === undefined) {
      if (state.position !== this.#selectIndex) return false;
    } else if (state.attemptPending.waiting) return false;
    state.attempt = attempt;
    return true;
  }

  #refuse(state: SendState, caller: number): Pending {
    if (caller < 0) return this.fail(state, 0, state.misuse(0, 'a send enters the chain once'));
    const rule = state.over ? 'next is called before the send has ended' : this.#nextRule(caller);
    return this.fail(state, caller, state.misuse(caller, rule));
  }

  #nextRule(caller: number): string {
    return caller === this.#selectIndex
      ? 'next is called again with a new attempt, after the one before has ended'
      : 'next is called once, with the context that belongs to it';
  }

  #forged(caller: number): RocketMQError {
    return this.misuseError(caller, 'next is called with a context of this producer, derived only by context.with');
  }

  #beyondEnd(context: PipelineContext): Observable<SendResult> {
    const last = this.nodes.length - 1;
    return this.fail(context.state, last, context.state.misuse(last, 'nothing comes after the last stage'));
  }

  #tellStage(state: SendState, stage: StageName, attempt: number): void {
    const { topic, msgId, batch } = state;
    this.emit(state, { type: 'stage', topic, msgId, batch, atMs: this.clock.monotonic(), stage, attempt });
  }

  #tellAttempt(context: PipelineContext): void {
    const { state, attempt, queue } = context;
    const { topic, msgId, batch } = state;
    this.emit(state, { type: 'attempt', topic, msgId, batch, atMs: this.clock.monotonic(), attempt, queue });
  }
}

function indexOfStage(nodes: readonly ChainNode[], stage: StageName): number {
  return nodes.findIndex((node) => node.plugin === undefined && node.stage === stage);
}
