import { decodeTraces } from '../message/trace/decode-trace.js';
import type { MessageTraceResult } from './admin.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { type KeyQuery, queryMessages } from './message-query.js';
import { type FoundTrace, messageTrace } from './message-trace.js';

/** Looks up trace messages under the id of a message. Matches Apache's QueryMsgTraceByIdSubCommand. */
export async function queryTrace(
  services: AdminServices,
  msgId: string,
  query: Omit<KeyQuery, 'key' | 'isUnique'>,
  limits: CallLimits,
): Promise<MessageTraceResult> {
  const { messages, failures } = await queryMessages(services, { ...query, key: msgId, isUnique: false }, limits);
  const found: FoundTrace[] = [];
  const unreadable: string[] = [];
  // A trace message that was sent again after a time-out is there twice, with one id.
  const distinct = new Map(messages.map((message) => [message.msgId, message]));
  for (const { body, bornHost } of distinct.values()) {
    const decoded = decodeTraces(body.toString('utf8'));
    unreadable.push(...decoded.unreadable.filter((record) => record.includes(msgId)));
    for (const record of decoded.records) if (record.msgId === msgId) found.push({ record, clientHost: bornHost });
  }
  return { ...messageTrace(msgId, found), unreadable, failures };
}
