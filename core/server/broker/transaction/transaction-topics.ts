import { SYSTEM_GROUP_PREFIX, SystemTopic } from '../../../message/system-topics.js';

/** Where half messages wait for their end. */
export const HALF_TOPIC = SystemTopic.TRANS_HALF;
/** A record for each half message that has its end: its body is the half message's queue offset. */
export const OP_TOPIC = SystemTopic.TRANS_OP_HALF;
/** What was asked about too often, or is too old to be asked about. */
export const DISCARD_TOPIC = SystemTopic.TRANS_CHECK_MAX_TIME;
/** Each of these topics has one queue. */
export const TRANSACTION_QUEUE_ID = 0;
export const TRANSACTION_QUEUE_NUMS = 1;
/** Under its name it is kept how far both topics are done. Matches TransactionalMessageUtil.buildConsumerGroup. */
export const TRANSACTION_GROUP = `${SYSTEM_GROUP_PREFIX}TRANS`;
/** Tag of an op record. */
export const REMOVE_TAG = 'd';
