import { inject, injectable } from 'inversify';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import { encodeKVTable } from '../../../remoting/protocol/kv-table.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { KvConfig } from '../kv-config.js';
import type { NameServerProcessor } from '../name-server-processor.js';

/** The name server's settings by namespace and key. */
@injectable()
export class KvConfigProcessor implements NameServerProcessor {
  readonly #kvConfig: KvConfig;

  readonly handlers = {
    [RequestCode.PUT_KV_CONFIG]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const value = requiredString(request, 'value');
      await this.#kvConfig.put(requiredString(request, 'namespace'), requiredString(request, 'key'), value);
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.GET_KV_CONFIG]: (request: RemotingCommand): OutgoingResponse => {
      const namespace = requiredString(request, 'namespace');
      const key = requiredString(request, 'key');
      const value = this.#kvConfig.get(namespace, key);
      return value === undefined
        ? notFound(`No config item, Namespace: ${namespace} Key: ${key}`)
        : { code: ResponseCode.SUCCESS, ext: { value } };
    },
    [RequestCode.DELETE_KV_CONFIG]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      await this.#kvConfig.delete(requiredString(request, 'namespace'), requiredString(request, 'key'));
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.GET_KVLIST_BY_NAMESPACE]: (request: RemotingCommand): OutgoingResponse => {
      const namespace = requiredString(request, 'namespace');
      const table = this.#kvConfig.namespace(namespace);
      return table === undefined
        ? notFound(`No config item, Namespace: ${namespace}`)
        : { code: ResponseCode.SUCCESS, body: encodeKVTable(table) };
    },
  };

  constructor(@inject(KvConfig) kvConfig: KvConfig) {
    this.#kvConfig = kvConfig;
  }
}

function notFound(remark: string): OutgoingResponse {
  return { code: ResponseCode.QUERY_NOT_FOUND, remark };
}
