import { encodeQueryAssignmentRequest } from '../../remoting/protocol/query-assignment.js';
import type { OutgoingCommand, RemotingCommand } from '../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../remoting/protocol/response-codes.js';
import type { RemotingClient } from '../../remoting/remoting-client.js';
import type { Logger } from '../../runtime/logger.js';
import { ALL_QUEUES } from '../rebalance/rebalance.js';
import { refusedPop } from './pop-request.js';

/** A pop of more messages than one may bring, asked for long ago: brokers that know pop refuse it, and give nothing out. */
const REFUSED = { maxMsgNums: 33, bornTime: 1, pollTime: 0 };

export interface PopQuestion {
  /** The group on the wire. */
  readonly group: string;
  readonly wireTopic: string;
  readonly invisibleTimeMs: number;
  /** Brokers of the topic; without any there is nobody to ask yet. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
}

export interface SharingQuestion extends Omit<PopQuestion, 'invisibleTimeMs'> {
  readonly clientId: string;
  readonly strategyName: string;
}

/**
 * Asks the brokers of a topic whether they know pop, so that a start fails instead of nothing ever coming. A broker that
 * cannot be asked is asked by each pop. @throws RMQ_BROKER_ERROR with code 3 when one does not
 */
export async function checkPop(
  { group, wireTopic, invisibleTimeMs, addresses, timeoutMs }: PopQuestion,
  remoting: RemotingClient,
  logger: Logger,
): Promise<void> {
  const ext = {
    ...{ consumerGroup: group, topic: wireTopic, queueId: ALL_QUEUES, invisibleTime: invisibleTimeMs, initMode: 1 },
    ...REFUSED,
  };
  await askAll({ addresses, timeoutMs }, { code: RequestCode.POP_MESSAGE, ext }, remoting, logger);
}

/** The same of brokers that are to share queues out. @throws RMQ_BROKER_ERROR with code 3 when one does not know that */
export async function checkSharing(
  { group, wireTopic, clientId, strategyName, ...asked }: SharingQuestion,
  remoting: RemotingClient,
  logger: Logger,
): Promise<void> {
  const messageModel = 'CLUSTERING';
  const body = encodeQueryAssignmentRequest({
    ...{ topic: wireTopic, consumerGroup: group, clientId, strategyName, messageModel },
  });
  await askAll(asked, { code: RequestCode.QUERY_ASSIGNMENT, body }, remoting, logger);
}

async function askAll(
  { addresses, timeoutMs }: Pick<PopQuestion, 'addresses' | 'timeoutMs'>,
  request: OutgoingCommand,
  remoting: RemotingClient,
  logger: Logger,
): Promise<void> {
  const ask = async (address: string): Promise<void> => {
    let response: RemotingCommand;
    try {
      response = await remoting.invoke(address, request, { timeoutMs });
    } catch (error) {
      logger.warn('a broker could not be asked whether it knows pop', { address, error });
      return;
    }
    if (response.code === ResponseCode.REQUEST_CODE_NOT_SUPPORTED) throw refusedPop(response, address);
  };
  await Promise.all(addresses.map(ask));
}
