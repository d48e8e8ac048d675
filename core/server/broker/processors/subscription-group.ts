import { inject, injectable } from 'inversify';
import { optionalBoolean, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import {
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupList,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupTable,
} from '../../../remoting/protocol/subscription-group-config.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerOffsetManager } from '../consumer-offset-manager.js';
import { SubscriptionGroupManager } from '../subscription-group-manager.js';

/** An operator's view of consumer groups: their switches, and their end. Matches Apache's AdminBrokerProcessor (4.9). */
@injectable()
export class SubscriptionGroupProcessor implements BrokerProcessor {
  readonly #groups: SubscriptionGroupManager;
  readonly #offsets: ConsumerOffsetManager;

  readonly handlers = {
    [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      await this.#groups.update(decodeSubscriptionGroupConfig(request.body));
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST]: async (
      request: RemotingCommand,
    ): Promise<OutgoingResponse> => {
      await Promise.all(decodeSubscriptionGroupList(request.body).map((config) => this.#groups.update(config)));
      return { code: ResponseCode.SUCCESS };
    },
    [RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeSubscriptionGroupTable(this.#groups.table),
    }),
    [RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG]: (request: RemotingCommand): OutgoingResponse => {
      const config = this.#groups.find(requiredString(request, 'group'));
      return config === undefined
        ? { code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, remark: 'No group in this broker' }
        : { code: ResponseCode.SUCCESS, body: encodeSubscriptionGroupConfig(config) };
    },
    [RequestCode.DELETE_SUBSCRIPTIONGROUP]: async (request: RemotingCommand): Promise<OutgoingResponse> => {
      const groupName = requiredString(request, 'groupName');
      await this.#groups.delete(groupName);
      // 4.9 and 5.x call the field by different names.
      const removes = optionalBoolean(request, 'removeOffset') ?? optionalBoolean(request, 'cleanOffset') ?? false;
      if (removes) this.#offsets.remove(groupName);
      return { code: ResponseCode.SUCCESS };
    },
  };

  constructor(
    @inject(SubscriptionGroupManager) groups: SubscriptionGroupManager,
    @inject(ConsumerOffsetManager) offsets: ConsumerOffsetManager,
  ) {
    this.#groups = groups;
    this.#offsets = offsets;
  }
}
