import { inject, injectable } from 'inversify';
import { requiredString } from '../../../remoting/protocol/ext-fields.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { BrokerStats } from '../stats/broker-stats.js';

/** VIEW_BROKER_STATS_DATA: what was counted in the last minute, hour and day. Matches Apache's BrokerStatsData. */
@injectable()
export class BrokerStatsProcessor implements BrokerProcessor {
  readonly #stats: BrokerStats;

  readonly handlers = {
    [RequestCode.VIEW_BROKER_STATS_DATA]: (request: RemotingCommand): OutgoingResponse => {
      const name = requiredString(request, 'statsName');
      const key = requiredString(request, 'statsKey');
      const item = this.#stats.find(name, key);
      if (item === undefined) {
        return { code: ResponseCode.SYSTEM_ERROR, remark: `The stats <${name}> <${key}> not exist` };
      }
      const [statsMinute, statsHour, statsDay] = [item.snapshot('minute'), item.snapshot('hour'), item.snapshot('day')];
      const body = Buffer.from(JSON.stringify({ statsMinute, statsHour, statsDay }));
      return { code: ResponseCode.SUCCESS, body };
    },
  };

  constructor(@inject(BrokerStats) stats: BrokerStats) {
    this.#stats = stats;
  }
}
