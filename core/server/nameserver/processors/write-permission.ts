import { inject, injectable } from 'inversify';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { RouteInfo } from '../route-info.js';

/** Takes a broker's topics out of writing, and puts them back, until the broker registers a change. */
@injectable()
export class WritePermissionProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;

  readonly handlers = {
    [RequestCode.WIPE_WRITE_PERM_OF_BROKER]: (request: RemotingCommand): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      ext: { wipeTopicCount: this.#routes.setWritable(requiredString(request, 'brokerName'), false) },
    }),
    [RequestCode.ADD_WRITE_PERM_OF_BROKER]: (request: RemotingCommand): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      ext: { addTopicCount: this.#routes.setWritable(requiredString(request, 'brokerName'), true) },
    }),
  };

  constructor(@inject(RouteInfo) routes: RouteInfo) {
    this.#routes = routes;
  }
}
