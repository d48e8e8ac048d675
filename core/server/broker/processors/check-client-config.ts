import { injectable } from 'inversify';
import { objectOf, parseBody } from '../../../remoting/protocol/body-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { readSubscriptionData } from '../../../remoting/protocol/subscription-data.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { isTagExpression } from '../tag-matcher.js';

/** CHECK_CLIENT_CONFIG: whether a subscription can be served. Expressions over properties cannot. */
@injectable()
export class CheckClientConfigProcessor implements BrokerProcessor {
  readonly handlers = {
    [RequestCode.CHECK_CLIENT_CONFIG]: (request: RemotingCommand): OutgoingResponse => {
      if (request.body.length === 0) return { code: ResponseCode.SUCCESS };
      const { subscriptionData } = parseBody(request.body, 'CheckClientRequestBody');
      if (subscriptionData === undefined || subscriptionData === null) return { code: ResponseCode.SUCCESS };
      const data = objectOf(subscriptionData, 'CheckClientRequestBody.subscriptionData');
      const { expressionType } = readSubscriptionData(data, 'SubscriptionData');
      return isTagExpression(expressionType)
        ? { code: ResponseCode.SUCCESS }
        : {
            code: ResponseCode.SYSTEM_ERROR,
            remark: `The broker does not support consumer to filter message by ${expressionType}`,
          };
    },
  };
}
