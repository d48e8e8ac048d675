import { inject, injectable } from 'inversify';
import { RETRY_TOPIC_PREFIX } from '../../../message/system-topics.js';
import { parseBody, tableMember } from '../../../remoting/protocol/body-fields.js';
import {
  type MessageRequestModeSetting,
  readMessageRequestMode,
} from '../../../remoting/protocol/message-request-mode.js';
import { Logger } from '../../../runtime/logger.js';
import type { BrokerService } from '../broker-service.js';
import { MessageStore } from '../message-store.js';
import { ConfigFile } from '../settings/config-file.js';

const MEMBER = 'messageRequestModeMap';

type ModeTable = ReadonlyMap<string, ReadonlyMap<string, MessageRequestModeSetting>>;

/**
 * Which groups pop which topics, kept in config/messageRequestMode.json; where nothing is set they pull. Matches Apache's
 * MessageRequestModeManager (5.x).
 */
@injectable()
export class MessageRequestModes implements BrokerService {
  readonly #file: ConfigFile<ModeTable>;
  /** By topic, then group. */
  readonly #modes = new Map<string, Map<string, MessageRequestModeSetting>>();

  constructor(@inject(MessageStore) store: MessageStore, @inject(Logger) logger: Logger) {
    const content = () => ({ [MEMBER]: this.#modes });
    this.#file = new ConfigFile(store, { name: 'messageRequestMode.json', content, decode }, logger);
  }

  async load(): Promise<void> {
    for (const [topic, groups] of (await this.#file.load()) ?? []) this.#modes.set(topic, new Map(groups));
  }

  /** Messages that a consumer sent back are pulled. */
  of(topic: string, consumerGroup: string): MessageRequestModeSetting {
    const isRetry = topic.startsWith(RETRY_TOPIC_PREFIX);
    const known = isRetry ? undefined : this.#modes.get(topic)?.get(consumerGroup);
    return known ?? { topic, consumerGroup, mode: 'PULL', popShareQueueNum: 0 };
  }

  /** Resolves when it is saved. */
  set(setting: MessageRequestModeSetting): Promise<void> {
    const groups = this.#modes.get(setting.topic) ?? new Map<string, MessageRequestModeSetting>();
    this.#modes.set(setting.topic, groups);
    groups.set(setting.consumerGroup, setting);
    return this.#file.changed();
  }

  close(): Promise<void> {
    return this.#file.flush();
  }
}

function decode(text: string): ModeTable {
  const name = 'messageRequestMode.json';
  return tableMember(parseBody(text, name), MEMBER, name, (groups, within) =>
    tableMember({ groups }, 'groups', within, readMessageRequestMode),
  );
}
