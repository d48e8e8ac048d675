import { inject, injectable } from 'inversify';
import { encodeDelayOffsetTable } from '../../../remoting/protocol/delay-offset-table.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { DelayService } from '../delay/delay-service.js';

/** GET_ALL_DELAY_OFFSET: how far the delay levels are. Matches Apache's AdminBrokerProcessor. */
@injectable()
export class DelayOffsetProcessor implements BrokerProcessor {
  readonly #delays: DelayService;

  readonly handlers = {
    [RequestCode.GET_ALL_DELAY_OFFSET]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeDelayOffsetTable(this.#delays.offsets),
    }),
  };

  constructor(@inject(DelayService) delays: DelayService) {
    this.#delays = delays;
  }
}
