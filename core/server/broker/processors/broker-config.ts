import { inject, injectable } from 'inversify';
import { SystemTopic } from '../../../message/system-topics.js';
import { Permission } from '../../../remoting/protocol/flags.js';
import { stringifyJsonDialect } from '../../../remoting/protocol/json-dialect.js';
import { formatProperties, parseProperties } from '../../../remoting/protocol/properties-text.js';
import type { RemotingCommand } from '../../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { Registration } from '../registration.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { RuntimeSettings } from '../settings/runtime-settings.js';
import { topicConfig } from '../topics/topic-config.js';
import { TopicConfigManager } from '../topics/topic-config-manager.js';

/** GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG: the settings as the text of a properties file, under Apache's names. */
@injectable()
export class BrokerConfigProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #runtimeSettings: RuntimeSettings;
  readonly #topics: TopicConfigManager;
  readonly #registration: Registration;
  readonly #logger: Logger;

  readonly handlers = {
    [RequestCode.GET_BROKER_CONFIG]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      ext: { version: stringifyJsonDialect(this.#runtimeSettings.version) },
      body: Buffer.from(formatProperties(this.#runtimeSettings.properties)),
    }),
    [RequestCode.UPDATE_BROKER_CONFIG]: (request: RemotingCommand) =>
      this.#update(parseProperties(request.body.toString())),
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(RuntimeSettings) runtimeSettings: RuntimeSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(Registration) registration: Registration,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#runtimeSettings = runtimeSettings;
    this.#topics = topics;
    this.#registration = registration;
    this.#logger = logger;
  }

  async #update(changes: ReadonlyMap<string, string>): Promise<OutgoingResponse> {
    const { brokerPermission } = this.#settings;
    const refusal = this.#runtimeSettings.change(changes);
    if (refusal !== undefined) return refusal;
    this.#logger.info('settings were changed while the broker runs', { changes: Object.fromEntries(changes) });
    const template = this.#missingTemplate();
    if (template !== undefined) await this.#topics.update(template);
    // Routes say what the broker permits.
    else if (this.#settings.brokerPermission !== brokerPermission) await this.#topics.touch();
    else return { code: ResponseCode.SUCCESS };
    await this.#registration.changed();
    return { code: ResponseCode.SUCCESS };
  }

  /** A broker that starts without letting sends create topics has nothing to make them from. */
  #missingTemplate() {
    const { autoCreateTopicEnable, defaultTopicQueueNums } = this.#settings;
    const name = SystemTopic.AUTO_CREATE_TOPIC_KEY;
    if (!autoCreateTopicEnable || this.#topics.find(name) !== undefined) return undefined;
    const perm = Permission.READ | Permission.WRITE | Permission.INHERIT;
    return topicConfig(name, defaultTopicQueueNums, { perm });
  }
}
