import { inject, injectable } from 'inversify';
import { objectOf, parseBody } from '../../../remoting/protocol/body-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { ExpressionType, readSubscriptionData } from '../../../remoting/protocol/subscription-data.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { PropertyFilters } from '../filters/property-filters.js';
import { isTagExpression } from '../filters/tag-matcher.js';
import { refuseFilterType } from '../pull/pull-check.js';
import { BrokerSettings } from '../settings/broker-settings.js';

/** CHECK_CLIENT_CONFIG: whether a subscription can be served, and if not, why and where its expression is wrong. */
@injectable()
export class CheckClientConfigProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #filters: PropertyFilters;

  readonly handlers = {
    [RequestCode.CHECK_CLIENT_CONFIG]: (request: RemotingCommand): OutgoingResponse => {
      if (request.body.length === 0) return { code: ResponseCode.SUCCESS };
      const { subscriptionData } = parseBody(request.body, 'CheckClientRequestBody');
      if (subscriptionData === undefined || subscriptionData === null) return { code: ResponseCode.SUCCESS };
      const data = objectOf(subscriptionData, 'CheckClientRequestBody.subscriptionData');
      const { expressionType, subString } = readSubscriptionData(data, 'SubscriptionData');
      if (isTagExpression(expressionType)) return { code: ResponseCode.SUCCESS };
      if (!this.#settings.enablePropertyFilter || expressionType !== ExpressionType.SQL92) {
        return refuseFilterType(expressionType);
      }
      const filter = this.#filters.of(subString);
      return 'reason' in filter
        ? { code: ResponseCode.SUBSCRIPTION_PARSE_FAILED, remark: filter.reason }
        : { code: ResponseCode.SUCCESS };
    },
  };

  constructor(@inject(BrokerSettings) settings: BrokerSettings, @inject(PropertyFilters) filters: PropertyFilters) {
    this.#settings = settings;
    this.#filters = filters;
  }
}
