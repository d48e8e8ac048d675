import { inject, injectable } from 'inversify';
import { PropertyName } from '../../../message/property-names.js';
import { SysFlag } from '../../../message/sys-flag.js';
import { isPromiseLike } from '../../../remoting/answers.js';
import {
  optionalBoolean,
  optionalString,
  requiredInt32,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import type { HalfMessage } from '../transaction/half-message.js';
import { type EndStatus, HalfMessages } from '../transaction/half-messages.js';

type Respond = (response: OutgoingResponse) => void;

/** Header of END_TRANSACTION, as far as a broker looks at it. */
interface EndTransactionHeader {
  readonly producerGroup: string;
  readonly tranStateTableOffset: number;
  readonly commitLogOffset: number;
  readonly commitOrRollback: number;
  readonly fromTransactionCheck: boolean;
  /** The sender's id of the message, or its offset id; empty where a producer does not say. */
  readonly msgId: string;
}

/** A unique id, or an offset id: that ends in the place in the log. */
const MESSAGE_ID = /^[0-9A-F]{32,56}$/i;
const OFFSET_DIGITS = 16;

const SUCCESS: OutgoingResponse = { code: ResponseCode.SUCCESS };
/** 4.9.7 leaves the words in it that an answer has which nobody filled in. */
const ROLLED_BACK: OutgoingResponse = { code: ResponseCode.SUCCESS, remark: 'not set any response code' };

/** END_TRANSACTION: a producer says how its transaction ends. Mostly oneway. Matches Apache's EndTransactionProcessor. */
@injectable()
export class EndTransactionProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #halfMessages: HalfMessages;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.END_TRANSACTION]: (request: RemotingCommand, connection: ServerConnection, respond: Respond) => {
      const header = readHeader(request);
      const { commitOrRollback, producerGroup: group, fromTransactionCheck } = header;
      if (commitOrRollback === SysFlag.TRANSACTION_COMMIT) return this.#end(header, 'commit', respond);
      if (commitOrRollback === SysFlag.TRANSACTION_ROLLBACK) return this.#end(header, 'rollback', respond);
      const { remoteAddress: producer } = connection;
      const facts = { group, producer, fromTransactionCheck, remark: request.remark };
      this.#logger.info('a producer does not know yet how its transaction ends', facts);
      return undefined;
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(HalfMessages) halfMessages: HalfMessages,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#halfMessages = halfMessages;
    this.#logger = logger;
  }

  #end(
    header: EndTransactionHeader,
    end: 'commit' | 'rollback',
    respond: Respond,
  ): Promise<OutgoingResponse> | 'later' {
    const half = this.#halfMessages.at(header.commitLogOffset);
    if (isPromiseLike(half)) {
      return half.then((found) => new Promise((answer) => this.#endFound(found, header, end, answer)));
    }
    this.#endFound(half, header, end, respond);
    return 'later';
  }

  #endFound(
    half: HalfMessage | undefined,
    header: EndTransactionHeader,
    end: 'commit' | 'rollback',
    respond: Respond,
  ): void {
    const problem = problemOf(half, header);
    if (half === undefined || problem !== undefined) {
      this.#logger.warn('a transaction could not be ended', { ...header, problem });
      respond({ code: ResponseCode.SYSTEM_ERROR, remark: problem });
      return;
    }
    this.#halfMessages.end(half, end, (status) => {
      if (status === 'ALREADY_ENDED') this.#logger.warn('a transaction was ended that had its end', { ...header });
      const answer = answerOf(status, this.#settings);
      respond(end === 'rollback' && answer === SUCCESS ? ROLLED_BACK : answer);
    });
  }
}

function readHeader(request: RemotingCommand): EndTransactionHeader {
  return {
    producerGroup: requiredString(request, 'producerGroup'),
    tranStateTableOffset: requiredInt64(request, 'tranStateTableOffset'),
    commitLogOffset: requiredInt64(request, 'commitLogOffset'),
    commitOrRollback: requiredInt32(request, 'commitOrRollback'),
    fromTransactionCheck: optionalBoolean(request, 'fromTransactionCheck') ?? false,
    msgId: optionalString(request, 'msgId') ?? '',
  };
}

/** Apache's words. */
function problemOf(half: HalfMessage | undefined, header: EndTransactionHeader): string | undefined {
  if (half === undefined) return 'Find prepared transaction message failed';
  if (half.properties[PropertyName.PGROUP] !== header.producerGroup) return 'The producer group wrong';
  if (half.offset !== header.tranStateTableOffset) return 'The transaction state table offset wrong';
  if (half.record.physicalOffset !== header.commitLogOffset) return 'The commit log offset wrong';
  if (!isNamed(half, header.msgId)) return 'The message id wrong';
  return undefined;
}

/**
 * Where a power failure took what was not flushed, another half message may lie at the place of a lost one, and must not get
 * its end. Apache does not look, so that producers may write there what they like: only what has the form of an id counts.
 */
function isNamed({ properties, record }: HalfMessage, msgId: string): boolean {
  const id = properties[PropertyName.UNIQ_KEY];
  if (id === undefined || msgId === id || !MESSAGE_ID.test(msgId)) return true;
  return Number(`0x${msgId.slice(-OFFSET_DIGITS)}`) === record.physicalOffset;
}

/** Matches EndTransactionProcessor.sendFinalMessage. */
function answerOf(status: EndStatus, { maxMessageSize }: BrokerSettings): OutgoingResponse {
  switch (status) {
    case 'PUT_OK':
    case 'FLUSH_DISK_TIMEOUT':
    case 'ALREADY_ENDED':
      return SUCCESS;
    case 'CREATE_MAPPED_FILE_FAILED':
      return { code: ResponseCode.SYSTEM_ERROR, remark: 'Create mapped file failed.' };
    case 'MESSAGE_ILLEGAL':
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark:
          'The message is illegal, maybe msg body or properties length not matched. ' +
          `msg body length limit ${maxMessageSize}B, msg properties length limit 32KB.`,
      };
    case 'SERVICE_NOT_AVAILABLE':
      return { code: ResponseCode.SERVICE_NOT_AVAILABLE, remark: 'Service not available now.' };
    case 'UNKNOWN_ERROR':
      return { code: ResponseCode.SYSTEM_ERROR, remark: 'UNKNOWN_ERROR' };
  }
}
