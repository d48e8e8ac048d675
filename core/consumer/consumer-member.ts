import type { ConsumerMember, MemberSubscription } from '../routing/membership.js';
import type { ResolvedConsumerOptions } from './options/consumer-options.js';

/** What a heartbeat says of a consumer, from its options. Matches what Apache's prepareHeartbeatData fills in. */
export function consumerMember(facts: {
  readonly wireGroup: string;
  readonly consumeType: ConsumerMember['consumeType'];
  readonly options: Pick<ResolvedConsumerOptions, 'messageModel' | 'from'>;
  readonly unitMode: boolean;
  readonly subscriptions: () => readonly MemberSubscription[];
}): ConsumerMember {
  const { wireGroup: group, consumeType, options, unitMode, subscriptions } = facts;
  return {
    group,
    consumeType,
    messageModel: options.messageModel === 'clustering' ? 'CLUSTERING' : 'BROADCASTING',
    consumeFromWhere: consumeFromWhere(options.from),
    unitMode,
    subscriptions,
  };
}

function consumeFromWhere(from: ResolvedConsumerOptions['from']): ConsumerMember['consumeFromWhere'] {
  if (from === 'last') return 'CONSUME_FROM_LAST_OFFSET';
  return from === 'first' ? 'CONSUME_FROM_FIRST_OFFSET' : 'CONSUME_FROM_TIMESTAMP';
}
