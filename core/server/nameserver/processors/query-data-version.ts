import { inject, injectable } from 'inversify';
import { formatBody, parseBody } from '../../../remoting/protocol/body-fields.js';
import { readDataVersion } from '../../../remoting/protocol/data-version.js';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { RouteInfo } from '../route-info.js';

/** QUERY_DATA_VERSION: a broker asks whether it has to register again; an unchanged one counts as heard of. */
@injectable()
export class QueryDataVersionProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.QUERY_DATA_VERSION]: (request: RemotingCommand): OutgoingResponse => {
      const address = requiredString(request, 'brokerAddr');
      const asked = readDataVersion(parseBody(request.body, 'DataVersion'));
      const { changed, known } = this.#routes.askVersion(address, asked, this.#clock.monotonic());
      return { code: ResponseCode.SUCCESS, ext: { changed }, ...(known && { body: formatBody(known) }) };
    },
  };

  constructor(@inject(RouteInfo) routes: RouteInfo, @inject(Clock) clock: Clock) {
    this.#routes = routes;
    this.#clock = clock;
  }
}
