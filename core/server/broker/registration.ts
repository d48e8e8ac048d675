import { inject, injectable } from 'inversify';
import { expectSuccess } from '../../remoting/expect-success.js';
import { Permission } from '../../remoting/protocol/flags.js';
import { decodeKVTable } from '../../remoting/protocol/kv-table.js';
import { encodeRegisterBrokerBody, registerBrokerCrc } from '../../remoting/protocol/register-broker-body.js';
import type { OutgoingCommand } from '../../remoting/protocol/remoting-command.js';
import { RequestCode } from '../../remoting/protocol/request-codes.js';
import type { TopicConfig } from '../../remoting/protocol/topic-config.js';
import { OWN_VERSION } from '../../remoting/protocol/version.js';
import { RemotingClient } from '../../remoting/remoting-client.js';
import { Logger } from '../../runtime/logger.js';
import { BrokerSettings } from './settings/broker-settings.js';
import { TopicConfigManager } from './topics/topic-config-manager.js';

/** How long a stopping broker waits for a name server to hear of it. */
const UNREGISTER_TIMEOUT_MS = 3_000;
/** How long the first message of a new topic waits for the name servers to know it. */
const TELL_TIMEOUT_MS = 1_000;

/** Makes the broker and its topics known to every name server. Matches Apache's BrokerOuterAPI. */
@injectable()
export class Registration {
  readonly #settings: BrokerSettings;
  readonly #topics: TopicConfigManager;
  readonly #client: RemotingClient;
  readonly #logger: Logger;
  /** Name servers that did not take the last registration, or whose connection was lost since. */
  readonly #missing = new Set<string>();
  /** Set while a change waits for this turn to end: topics that are created together are told of together. */
  #telling: Promise<void> | undefined;
  #stopped = false;

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(TopicConfigManager) topics: TopicConfigManager,
    @inject(RemotingClient) client: RemotingClient,
    @inject(Logger) logger: Logger,
  ) {
    this.#settings = settings;
    this.#topics = topics;
    this.#client = client;
    this.#logger = logger;
    // A name server forgets a broker with its connection: it must hear of it again, and soon.
    client.onConnectionLost((address) => {
      if (settings.nameServers.includes(address)) this.#missing.add(address);
    });
  }

  /** Registers all topics and takes over which of them are ordered. Resolves with how many name servers have it; never rejects. */
  registerAll(): Promise<number> {
    return this.#registerAt(this.#settings.nameServers);
  }

  /** Registers with the name servers that do not know the broker now; most of the time there are none. */
  async registerMissing(): Promise<void> {
    if (this.#missing.size > 0) await this.#registerAt([...this.#missing]);
  }

  async #registerAt(nameServers: readonly string[]): Promise<number> {
    const answers = await this.#askEach(nameServers, this.#request(this.#topics.table.topicConfigTable));
    const table = answers.findLast((body) => body.length > 0);
    if (table !== undefined) this.#topics.setOrderTopics(new Set(decodeKVTable(table).keys()));
    return answers.length;
  }

  /**
   * Tells of a change at the end of this turn: all topics, since a name server that got some of them would pass over the
   * others, which have the same version. Resolves when every name server has it or a second has passed:
   * who sends the first message of a topic asks for its route right after. Never rejects.
   */
  changed(): Promise<void> {
    this.#telling ??= Promise.resolve().then(async () => {
      this.#telling = undefined;
      if (this.#stopped) return;
      const timeoutMs = Math.min(this.#settings.registerBrokerTimeoutMills, TELL_TIMEOUT_MS);
      const request = this.#request(this.#topics.table.topicConfigTable);
      await this.#askEach(this.#settings.nameServers, request, timeoutMs);
    });
    return this.#telling;
  }

  /** Takes the broker off every name server; never rejects. */
  async unregister(): Promise<void> {
    this.#stopped = true;
    const { brokerName, address, clusterName, brokerId, nameServers } = this.#settings;
    const ext = { brokerName, brokerAddr: address, clusterName, brokerId };
    const request = { code: RequestCode.UNREGISTER_BROKER, ext };
    await Promise.all(
      nameServers.map((nameServer) =>
        this.#client
          .invoke(nameServer, request, { timeoutMs: UNREGISTER_TIMEOUT_MS })
          .catch((error: unknown) => this.#log(nameServer, error)),
      ),
    );
  }

  /** The bodies of the name servers that accepted. */
  async #askEach(
    nameServers: readonly string[],
    request: OutgoingCommand,
    timeoutMs = this.#settings.registerBrokerTimeoutMills,
  ): Promise<Buffer[]> {
    const accepted: Buffer[] = [];
    await Promise.all(
      nameServers.map(async (nameServer) => {
        try {
          const answer = await this.#client.invoke(nameServer, request, { timeoutMs });
          expectSuccess(answer, { address: nameServer });
          accepted.push(Buffer.from(answer.body));
          this.#missing.delete(nameServer);
        } catch (error) {
          this.#log(nameServer, error);
          this.#missing.add(nameServer);
        }
      }),
    );
    return accepted;
  }

  #request(topics: ReadonlyMap<string, TopicConfig>): OutgoingCommand {
    const { brokerName, brokerId, address, clusterName, haServerAddr } = this.#settings;
    const body = encodeRegisterBrokerBody(
      {
        topicConfigSerializeWrapper: {
          topicConfigTable: this.#withBrokerPermission(topics),
          dataVersion: this.#topics.table.dataVersion,
        },
        filterServerList: [],
      },
      { compressed: false, version: OWN_VERSION },
    );
    return {
      code: RequestCode.REGISTER_BROKER,
      ext: {
        brokerName,
        brokerAddr: address,
        clusterName,
        haServerAddr,
        brokerId,
        compressed: false,
        bodyCrc32: registerBrokerCrc(body),
      },
      body,
    };
  }

  /** A broker that may not be written or read shows that in the routes of all its topics. */
  #withBrokerPermission(topics: ReadonlyMap<string, TopicConfig>): ReadonlyMap<string, TopicConfig> {
    const { brokerPermission } = this.#settings;
    const whole = Permission.READ | Permission.WRITE;
    if ((brokerPermission & whole) === whole) return topics;
    return new Map([...topics].map(([name, topic]) => [name, { ...topic, perm: brokerPermission }]));
  }

  /** Loud once: it is tried again every few seconds. */
  #log(nameServer: string, error: unknown): void {
    const level = this.#missing.has(nameServer) ? 'debug' : 'warn';
    this.#logger[level](`name server ${nameServer} could not be told of this broker`, { nameServer, error });
  }
}
