import { inject, injectable } from 'inversify';
import { formatProperties, parseProperties } from '../../../remoting/protocol/properties-text.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { NameServerSettings } from '../name-server-settings.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Apache's: where it keeps things is not for others to say. */
const PATHS: ReadonlySet<string> = new Set(['kvConfigPath', 'configStorePath']);

/**
 * GET_NAMESRV_CONFIG and UPDATE_NAMESRV_CONFIG: the settings as the text of a properties file. A change lasts until the name
 * server stops.
 */
@injectable()
export class NameServerConfigProcessor implements NameServerProcessor {
  readonly #settings: Mutable<NameServerSettings>;

  readonly handlers = {
    [RequestCode.GET_NAMESRV_CONFIG]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: Buffer.from(formatProperties(Object.entries(this.#settings))),
    }),
    [RequestCode.UPDATE_NAMESRV_CONFIG]: (request: RemotingCommand): OutgoingResponse =>
      this.#update(parseProperties(request.body.toString())),
  };

  constructor(@inject(NameServerSettings) settings: NameServerSettings) {
    this.#settings = settings;
  }

  #update(changes: ReadonlyMap<string, string>): OutgoingResponse {
    for (const [name, text] of changes) {
      if (PATHS.has(name)) return { code: ResponseCode.NO_PERMISSION, remark: 'Can not update config path' };
      if (name !== 'orderMessageEnable') return refuse(`there is no config ${name}`);
      if (text !== 'true' && text !== 'false') return refuse(`${name} cannot be ${text}`);
    }
    const orderMessageEnable = changes.get('orderMessageEnable');
    if (orderMessageEnable !== undefined) this.#settings.orderMessageEnable = orderMessageEnable === 'true';
    return { code: ResponseCode.SUCCESS };
  }
}

function refuse(remark: string): OutgoingResponse {
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
