import { inject, injectable } from 'inversify';
import { groupProblem } from '../../../message/message-rules.js';
import { optionalBoolean, requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import {
  decodeSubscriptionGroupConfig,
  decodeSubscriptionGroupList,
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupTable,
  type SubscriptionGroupConfig,
} from '../../../remoting/protocol/subscription-group-config.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { ConsumerOffsetManager } from '../groups/consumer-offset-manager.js';
import { SubscriptionGroupManager } from '../groups/subscription-group-manager.js';
import { QUEUE_NUMS_MAX } from '../topics/topic-config.js';

/** An operator's view of consumer groups: their switches, and their end. Matches Apache's AdminBrokerProcessor (4.9). */
@injectable()
export class SubscriptionGroupProcessor implements BrokerProcessor {
  readonly #groups: SubscriptionGroupManager;
  readonly #offsets: ConsumerOffsetManager;

  readonly handlers = {
    [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP]: ({ body }: RemotingCommand): Promise<OutgoingResponse> =>
      this.#updateAll([decodeSubscriptionGroupConfig(body)]),
    [RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST]: ({ body }: RemotingCommand): Promise<OutgoingResponse> =>
      this.#updateAll(decodeSubscriptionGroupList(body)),
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

  /** All of them or none. */
  async #updateAll(configs: readonly SubscriptionGroupConfig[]): Promise<OutgoingResponse> {
    for (const config of configs) {
      const remark = problemOf(config);
      if (remark !== undefined) return { code: ResponseCode.SYSTEM_ERROR, remark };
    }
    await Promise.all(configs.map((config) => this.#groups.update(config)));
    return { code: ResponseCode.SUCCESS };
  }
}

/** The retry topic has as many queues as its group says: the limit is that of a topic. */
function problemOf({ groupName, retryQueueNums }: SubscriptionGroupConfig): string | undefined {
  const problem = groupProblem(groupName);
  if (problem !== undefined) return `The subscription group name is ${problem}: ${groupName}`;
  if (retryQueueNums <= QUEUE_NUMS_MAX) return undefined;
  return `group[${groupName}] cannot have ${retryQueueNums} retry queues, at most ${QUEUE_NUMS_MAX} are allowed`;
}
