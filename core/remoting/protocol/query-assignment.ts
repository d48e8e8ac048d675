import type { MessageQueue } from '../../message/message.js';
import { formatBody, listMember, objectOf, parseBody, stringMember } from './body-fields.js';
import { messageQueueValue, readMessageQueue } from './message-queue-body.js';
import type { MessageRequestMode } from './message-request-mode.js';

/** The body of QUERY_ASSIGNMENT: which queues of a topic a client is to consume. Matches Apache's QueryAssignmentRequestBody (5.x). */
export interface QueryAssignmentRequest {
  readonly topic: string;
  readonly consumerGroup: string;
  readonly clientId: string;
  /** `AVG` or `AVG_BY_CIRCLE`. */
  readonly strategyName: string;
  /** `CLUSTERING` or `BROADCASTING`. */
  readonly messageModel: string;
}

/** A queue and how it is consumed; -1 for "whichever of this broker" of a topic that is popped. Matches MessageQueueAssignment. */
export interface QueueAssignment {
  readonly messageQueue: MessageQueue;
  readonly mode: MessageRequestMode;
}

const REQUEST = 'QueryAssignmentRequestBody';
const RESPONSE = 'QueryAssignmentResponseBody';

export function encodeQueryAssignmentRequest(request: QueryAssignmentRequest): Buffer {
  return formatBody(request);
}

/** @throws RMQ_BODY_INVALID */
export function decodeQueryAssignmentRequest(body: Buffer): QueryAssignmentRequest {
  const request = parseBody(body, REQUEST);
  return {
    topic: stringMember(request, 'topic', REQUEST),
    consumerGroup: stringMember(request, 'consumerGroup', REQUEST),
    clientId: stringMember(request, 'clientId', REQUEST),
    strategyName: stringMember(request, 'strategyName', REQUEST),
    messageModel: stringMember(request, 'messageModel', REQUEST),
  };
}

/** Undefined where nothing can be said: the client then keeps what it has. */
export function encodeQueryAssignmentResponse(assignments: readonly QueueAssignment[] | undefined): Buffer {
  return formatBody({
    messageQueueAssignments: assignments?.map(({ messageQueue, mode }) => ({
      messageQueue: messageQueueValue(messageQueue),
      mode,
    })),
  });
}

/** @throws RMQ_BODY_INVALID */
export function decodeQueryAssignmentResponse(body: Buffer): readonly QueueAssignment[] | undefined {
  const response = parseBody(body, RESPONSE);
  if ((response.messageQueueAssignments ?? undefined) === undefined) return undefined;
  return listMember(response, 'messageQueueAssignments', RESPONSE, (element, name) => {
    const assignment = objectOf(element, name);
    return {
      messageQueue: readMessageQueue(assignment.messageQueue, `${name}.messageQueue`),
      mode: stringMember(assignment, 'mode', name) === 'POP' ? ('POP' as const) : ('PULL' as const),
    };
  });
}
