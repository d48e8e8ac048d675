import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import type { ClientChannel } from './client-channel.js';

/** Tells every member of a group, the new one included, that it has to share the queues out anew. */
export function notifyConsumerIdsChanged(group: string, members: readonly ClientChannel[]): void {
  for (const { connection } of members) {
    connection.oneway({ code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, ext: { consumerGroup: group } });
  }
}
