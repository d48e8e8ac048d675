import { isRocketMQError } from '../../errors/rocketmq-error.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { Logger } from '../../runtime/logger.js';
import type { BrokerRequests } from '../broker-requests.js';
import type { ConsumerEvents } from '../report/consumer-events.js';
import type { TopicSubscription } from './subscription.js';
import {
  keptSubscription,
  sameSubscription,
  subscriptionOfMember,
  type ToldSubscription,
} from './told-subscription.js';

/** Other members that are asked in one round; those of a larger group in the rounds that follow. */
const ASKED_MAX = 8;

export interface SubscriptionCheckServices {
  /** The group as the application writes it. */
  readonly group: string;
  readonly clientId: string;
  /** By the topic's name on the wire. */
  readonly subscriptions: ReadonlyMap<string, TopicSubscription>;
  /** What a broker knows of the group (GET_CONSUMER_CONNECTION_LIST), and what a member says of itself (…RUNNING_INFO). */
  readonly requests: Pick<BrokerRequests, 'connections' | 'runningInfo'>;
  readonly logger: Logger;
  readonly events: ConsumerEvents;
}

/** What was found out about a topic since members, or our own subscription, changed last. */
interface Findings {
  readonly of: string;
  readonly told: Set<string>;
  readonly asked: Set<string>;
}

/**
 * Says so when members of one group subscribe to different things. A broker keeps one subscription a group and topic, the
 * newest it heard of, so messages that only an older member wants are filtered away and nobody gets them: the most
 * puzzling loss that users of RocketMQ report. Looked at in each round of sharing out, since another member may subscribe
 * anew at any time without a sign; each difference is told once for as long as the members stay the same. A member
 * whose own subscription is the one that the broker keeps sees nothing there, and asks the others.
 */
export class SubscriptionCheck {
  readonly #services: SubscriptionCheckServices;
  readonly #findings = new Map<string, Findings>();
  #supported = true;

  constructor(services: SubscriptionCheckServices) {
    this.#services = services;
  }

  /** One small request, and one to each member that has to be asked. Never rejects. */
  async look(wireTopic: string, clientIds: readonly string[]): Promise<void> {
    const { requests, logger, group, subscriptions } = this.#services;
    const ours = subscriptions.get(wireTopic);
    if (!this.#supported || clientIds.length < 2 || ours === undefined) return;
    try {
      const kept = keptSubscription(await requests.connections(wireTopic), wireTopic);
      // Ours changed meanwhile, or the broker has yet to hear of it: the next round tells.
      if (subscriptions.get(wireTopic) !== ours || (kept !== undefined && kept.subVersion < ours.subVersion)) return;
      const findings = this.#findingsOf(wireTopic, ours, clientIds);
      this.#compare(findings, ours, kept, clientIds);
      if (kept?.subVersion === ours.subVersion) await this.#askOthers(findings, wireTopic, ours, clientIds);
    } catch (error) {
      if (
        isRocketMQError(error, 'RMQ_BROKER_ERROR') &&
        error.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED
      ) {
        this.#supported = false;
      }
      logger.debug('the subscriptions of a group’s members could not be compared', { group, error });
    }
  }

  #findingsOf(wireTopic: string, { subVersion }: TopicSubscription, clientIds: readonly string[]): Findings {
    const of = [subVersion, ...clientIds].join('\n');
    const before = this.#findings.get(wireTopic);
    if (before?.of === of) return before;
    const findings = { of, told: new Set<string>(), asked: new Set<string>() };
    this.#findings.set(wireTopic, findings);
    return findings;
  }

  async #askOthers(
    findings: Findings,
    wireTopic: string,
    ours: TopicSubscription,
    clientIds: readonly string[],
  ): Promise<void> {
    const { clientId: own, requests, logger, group } = this.#services;
    const others = clientIds.filter((id) => id !== own && !findings.asked.has(id)).slice(0, ASKED_MAX);
    for (const other of others) findings.asked.add(other);
    const ask = async (other: string): Promise<void> => {
      try {
        const theirs = subscriptionOfMember(await requests.runningInfo(wireTopic, other), wireTopic);
        if (this.#findings.get(wireTopic) === findings) this.#compare(findings, ours, theirs, clientIds);
      } catch (error) {
        // It may not be able to tell; where it differs it sees what the broker keeps, and says so itself.
        logger.debug('a member does not tell what it subscribes to', { group, clientId: other, error });
      }
    };
    await Promise.all(others.map(ask));
  }

  #compare(
    { told }: Findings,
    ours: TopicSubscription,
    theirs: ToldSubscription | undefined,
    clientIds: readonly string[],
  ): void {
    if (sameSubscription(theirs, ours)) return;
    const difference = theirs === undefined ? '' : `${theirs.expressionType} ${theirs.expression}`;
    if (told.has(difference)) return;
    told.add(difference);
    const { logger, events, group } = this.#services;
    logger.error(
      'members of one consumer group have different subscriptions: messages get lost to all of them; give every member the same topics and expressions, or another group',
      { group, topic: ours.topic, ours: ours.expression, theirs: theirs?.expression ?? 'none', members: clientIds },
    );
    if (!events.observed) return;
    const expressions = { ours: ours.expression, theirs: theirs?.expression };
    events.emit({ type: 'subscriptionConflict', topic: ours.topic, ...expressions });
  }
}
