import type { UniqueIdGenerator } from '../message/message-ids.js';
import type { ResourceNames } from '../message/resource-names.js';
import type { SendAttachment } from '../pipeline/interceptor.js';
import type { SettledListener } from '../pipeline/settled.js';
import type { BoundBy, ProducerScope, ResolveFromScope } from '../pipeline/tokens.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { Membership } from '../routing/membership.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Clock } from '../runtime/clock.js';
import type { DeadlineHeap } from '../runtime/deadline-heap.js';
import type { Logger } from '../runtime/logger.js';
import type { ReplyInbox } from './request-reply/reply-inbox.js';
import type { ReplyAttachment } from './request-reply/reply-interceptor.js';

/** What a producer takes from the client that made it. */
export interface ProducerServices {
  readonly routes: RouteTable;
  readonly remoting: RemotingClient;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deadlines: DeadlineHeap;
  readonly names: ResourceNames;
  readonly ids: UniqueIdGenerator;
  readonly replies: ReplyInbox;
  /** Default Math.random. */
  readonly random?: () => number;
  /** Default false. Matches Java's ClientConfig.unitMode. */
  readonly unitMode?: boolean;
  /** A producer of a plugin's own: no attachments, no listeners. Default false. */
  readonly internal?: boolean;
  /** What plugins attached, in order of registration. An internal producer gets none. */
  readonly attachments: readonly SendAttachment[];
  /** What plugins make of replies to requests, in order of registration. An internal producer gets none. */
  readonly replyAttachments: readonly ReplyAttachment[];
  /** Called after each send of a producer that is not internal. */
  readonly settledListeners: readonly SettledListener[];
  /** Opens the producer's child container with `scope` bound in it, and resolves the six stages from it, once. */
  readonly openScope: (scope: ProducerScope) => ResolveFromScope;
  /** The plugin that has put its own part in the place of this one for a producer. Default none. */
  readonly boundBy?: BoundBy;
  /** Called once when the producer has closed. */
  readonly onClosed?: () => void;
}
