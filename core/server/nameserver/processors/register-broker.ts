import { inject, injectable } from 'inversify';
import {
  optionalBoolean,
  optionalInt32,
  optionalString,
  requiredInt64,
  requiredString,
} from '../../../remoting/protocol/ext-fields.js';
import { encodeKVTable } from '../../../remoting/protocol/kv-table.js';
import { decodeRegisterBrokerBody, registerBrokerCrc } from '../../../remoting/protocol/register-broker-body.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse, ServerConnection } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import { Logger } from '../../../runtime/logger.js';
import { KvConfig, ORDER_TOPIC_NAMESPACE } from '../kv-config.js';
import type { NameServerProcessor } from '../name-server-processor.js';
import { type BrokerIdentity, RouteInfo } from '../route-info.js';

/** A broker makes itself known, or takes its leave. Matches Apache's DefaultRequestProcessor (4.9). */
@injectable()
export class RegisterBrokerProcessor implements NameServerProcessor {
  readonly #routes: RouteInfo;
  readonly #kvConfig: KvConfig;
  readonly #clock: Clock;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.REGISTER_BROKER]: (request: RemotingCommand, connection: ServerConnection) =>
      this.#register(request, connection),
    [RequestCode.UNREGISTER_BROKER]: (request: RemotingCommand): OutgoingResponse => {
      const broker = readIdentity(request);
      this.#routes.unregister(broker);
      this.#logger.info(`broker ${broker.brokerName} at ${broker.brokerAddr} took its leave`, { ...broker });
      return { code: ResponseCode.SUCCESS };
    },
  };

  constructor(
    @inject(RouteInfo) routes: RouteInfo,
    @inject(KvConfig) kvConfig: KvConfig,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#routes = routes;
    this.#kvConfig = kvConfig;
    this.#clock = clock;
    this.#logger = logger;
  }

  #register(request: RemotingCommand, connection: ServerConnection): OutgoingResponse {
    const broker = readIdentity(request);
    const haServerAddr = optionalString(request, 'haServerAddr') ?? '';
    const compressed = optionalBoolean(request, 'compressed') ?? false;
    const crc = optionalInt32(request, 'bodyCrc32') ?? 0;
    // 0 switches the check off.
    if (crc !== 0 && crc !== registerBrokerCrc(request.body)) {
      return { code: ResponseCode.SYSTEM_ERROR, remark: 'crc32 not match', ext: {} };
    }
    const { topics, dataVersion } = readTopics(request, compressed);
    const namesake = this.#routes.namesake(broker);
    if (namesake !== undefined) {
      const { brokerName, brokerAddr } = broker;
      const words = `${brokerAddr} and ${namesake} both call themselves ${brokerName}, so that clients see one of them at a time`;
      this.#logger.warn(`${words}: give each broker a name of its own`, { brokerName });
    }
    const slave = this.#routes.register(
      { ...broker, haServerAddr, dataVersion, topics },
      connection,
      this.#clock.monotonic(),
    );
    const orderTopics = this.#kvConfig.namespace(ORDER_TOPIC_NAMESPACE);
    return {
      code: ResponseCode.SUCCESS,
      ext: { haServerAddr: slave.haServerAddr, masterAddr: slave.masterAddr },
      ...(orderTopics && { body: encodeKVTable(orderTopics) }),
    };
  }
}

/** Slaves may register without a body. */
function readTopics(request: RemotingCommand, compressed: boolean) {
  if (request.body.length === 0) return { topics: [], dataVersion: { timestamp: 0, counter: 0 } };
  const form = { compressed, version: request.version };
  const { topicConfigTable, dataVersion } = decodeRegisterBrokerBody(request.body, form).topicConfigSerializeWrapper;
  return { topics: topicConfigTable.values(), dataVersion };
}

function readIdentity(request: RemotingCommand): BrokerIdentity {
  return {
    clusterName: requiredString(request, 'clusterName'),
    brokerName: requiredString(request, 'brokerName'),
    brokerId: requiredInt64(request, 'brokerId'),
    brokerAddr: requiredString(request, 'brokerAddr'),
  };
}
