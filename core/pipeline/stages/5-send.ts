import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { delayProperties, timerField } from '../../message/delay.js';
import { exchangeOf } from '../../message/exchange.js';
import type { Properties } from '../../message/message.js';
import { PropertyName } from '../../message/property-names.js';
import { ResourceNames } from '../../message/resource-names.js';
import type { OutgoingCommand } from '../../remoting/protocol/remoting-command.js';
import { RemotingClient } from '../../remoting/remoting-client.js';
import { Membership } from '../../routing/membership.js';
import { RouteTable } from '../../routing/route-table.js';
import { Clock } from '../../runtime/clock.js';
import type { SettledContext } from '../context.js';
import { Flight } from '../flight.js';
import type { SendHandler } from '../interceptor.js';
import { later } from '../later.js';
import type { PipelineContext } from '../pipeline-context.js';
import { sendRequest } from '../send-request.js';
import type { SendResult } from '../send-result.js';
import type { SendState } from '../send-state.js';
import type { SendInput, TransmitStage } from '../stage.js';
import { ProducerScope } from '../tokens.js';

/**
 * Stage 5: builds the request and calls the broker; sync, async and oneway are one path. Never errors: how it went is in
 * the context that it hands on ({@link Flight}).
 */
@injectable()
export class Send implements TransmitStage {
  readonly #scope: ProducerScope;
  readonly #remoting: RemotingClient;
  readonly #routes: RouteTable;
  readonly #names: ResourceNames;
  readonly #membership: Membership;
  readonly #clock: Clock;
  readonly #wireGroup: string;

  constructor(
    @inject(ProducerScope) scope: ProducerScope,
    @inject(RemotingClient) remoting: RemotingClient,
    @inject(RouteTable) routes: RouteTable,
    @inject(ResourceNames) names: ResourceNames,
    @inject(Membership) membership: Membership,
    @inject(Clock) clock: Clock,
  ) {
    this.#scope = scope;
    this.#remoting = remoting;
    this.#routes = routes;
    this.#names = names;
    this.#membership = membership;
    this.#clock = clock;
    this.#wireGroup = names.groupToWire(scope.options.group);
  }

  run(input: SendInput, next: SendHandler<SettledContext>): Observable<SendResult> {
    const context = input as PipelineContext;
    const { brokerName } = context.queue;
    const address = this.#routes.brokerAddress(brokerName);
    if (address !== undefined && !this.#needsHeartbeat(context)) return this.#fly(context, next, address);
    const lookUp = this.#lookUp(context).then(
      (found) => ({ found }),
      (error: unknown) => ({ error }),
    );
    return later(context, lookUp, (answer) =>
      'found' in answer
        ? this.#fly(context, next, answer.found)
        : this.#flight(context, next, '').failBeforeStart(answer.error),
    );
  }

  /**
   * Whether the broker has to take a heartbeat first: what the message asks for depends on its version, or it would not
   * know where to push the reply, or whom to ask how a transaction ends.
   */
  #needsHeartbeat({ given: message, queue }: PipelineContext): boolean {
    const { delay, deliverAt, systemProperties } = message;
    if (delay === undefined && deliverAt === undefined && systemProperties === undefined) return false;
    const isAsked = systemProperties?.[PropertyName.TRAN_MSG] === 'true' || exchangeOf(message) === 'request';
    if (!isAsked && timerField(message) === undefined) return false;
    return this.#membership.brokerVersion(queue.brokerName) === undefined;
  }

  /** The broker's address, once everything that the request needs of it is known. */
  async #lookUp(context: PipelineContext): Promise<string> {
    const { brokerName } = context.queue;
    const address =
      this.#routes.brokerAddress(brokerName) ??
      (await this.#routes.loadBrokerAddress(brokerName, this.#names.topicToWire(context.topic)));
    if (this.#needsHeartbeat(context)) await this.#membership.loadBrokerVersion(brokerName);
    return address;
  }

  #fly(context: PipelineContext, next: SendHandler<SettledContext>, address: string): Observable<SendResult> {
    const flight = this.#flight(context, next, address);
    let request: OutgoingCommand;
    try {
      request = this.#request(context);
    } catch (error) {
      return flight.failBeforeStart(error);
    }
    return flight.start(this.#remoting, request, timeoutMs(context.state, flight.startMs));
  }

  #flight(context: PipelineContext, next: SendHandler<SettledContext>, address: string): Flight {
    return new Flight(context, next, address, this.#clock, this.#scope.options.retryResponseCodes);
  }

  #request(context: PipelineContext): OutgoingCommand {
    const { options } = this.#scope;
    const { state, given: message, queue } = context;
    return sendRequest(
      {
        group: this.#wireGroup,
        topic: this.#names.topicToWire(message.topic),
        createTopicKey: options.createTopicKey,
        defaultTopicQueueNums: options.defaultTopicQueueNums,
        brokerName: queue.brokerName,
        queueId: queue.queueId,
        bornTimestamp: state.startTimestamp,
        unitMode: options.unitMode,
        msgId: state.msgId,
        system: this.#system(context),
      },
      message,
      context.payload,
    );
  }

  /** @throws RMQ_MESSAGE_ILLEGAL for a delay that the broker does not know */
  #system({ given: message, queue }: PipelineContext): Properties | undefined {
    const { properties } = this.#names;
    if (message.delay === undefined && message.delayLevel === undefined && message.deliverAt === undefined) {
      return properties;
    }
    const version = this.#membership.brokerVersion(queue.brokerName);
    const hasTimers = this.#membership.hasTimers(queue.brokerName);
    const delay = delayProperties(message, { version, hasTimers });
    return properties === undefined ? delay : { ...properties, ...delay };
  }
}

/** What is left of the send, or the attempt's own limit; the send's deadline itself is watched elsewhere. */
function timeoutMs(state: SendState, nowMs: number): number {
  const leftMs = Math.max(state.deadlineMs - nowMs, 1);
  const limitMs = state.attemptTimeoutMs;
  return limitMs !== undefined && limitMs < leftMs ? limitMs : leftMs;
}
