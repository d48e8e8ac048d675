import { rocketMQError } from '../errors/rocketmq-error.js';
import { recogniseRefusal } from './peer-recognition.js';
import type { RemotingCommand } from './protocol/remoting-command.js';
import { ResponseCode } from './protocol/response-codes.js';

/** Codes by which a server says that it would take the same request a little later. */
const RETRYABLE_CODES: ReadonlySet<number> = new Set([ResponseCode.SYSTEM_BUSY, ResponseCode.SERVICE_NOT_AVAILABLE]);

/** Hands the response back when its code is SUCCESS (0), and raises every other. @throws RMQ_BROKER_ERROR */
export function expectSuccess(
  response: RemotingCommand,
  where: { readonly address?: string; readonly broker?: string } = {},
): RemotingCommand {
  if (response.code === ResponseCode.SUCCESS) return response;
  const { code: responseCode, remark } = response;
  const who = where.broker ?? where.address ?? 'the server';
  const stranger = recogniseRefusal(response);
  const looks = stranger ? ` (it looks like ${stranger.what})` : '';
  const message = `${who} answered with code ${responseCode}${remark ? `: ${remark}` : ''}${looks}`;
  const fields = { responseCode, ...(remark !== undefined && { remark }), ...where };
  throw rocketMQError('RMQ_BROKER_ERROR', message, fields, {
    retryable: RETRYABLE_CODES.has(responseCode),
    ...(stranger && { hint: stranger.advice }),
  });
}
