import { inspect } from 'node:util';
import type { Container, Newable } from 'inversify';
import { parseDelayLevels } from '../message/delay-levels.js';
import { formatAddress } from '../remoting/address.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import type { RemotingServer } from '../remoting/remoting-server.js';
import { createRemotingServer, type RemotingServerSettings } from '../remoting/server.js';
import { tcpTransport } from '../remoting/tcp-transport.js';
import type { Transport } from '../remoting/transport.js';
import { transportByAddress } from '../remoting/transport-by-address.js';
import { silentLogger } from '../runtime/logger.js';
import { systemClock } from '../runtime/system-clock.js';
import { Broker } from './broker/broker.js';
import type { MessageStore } from './broker/message-store.js';
import { BROKER_DEFAULTS, type BrokerSettings } from './broker/settings/broker-settings.js';
import { advertisedHostOf, type BrokerAddresses, brokerAddresses, isLoopback } from './broker-addresses.js';
import { createServerContainer } from './container.js';
import { inspectServer } from './inspect-server.js';
import { LoopStalls } from './loop-stalls.js';
import { NameServer } from './nameserver/name-server.js';
import { readPorts, startBelowToo, startOn, writePorts } from './remembered-ports.js';
import type { RunningServer, ServerStatistics } from './running-server.js';
import type { ResolvedServerOptions, StoreSettings } from './server-options.js';
import { serverTransport } from './server-transport.js';
import { createMemoryStoreFiles, MEMORY_STORE_SETTINGS } from './store/files/memory-store-files.js';
import { nodeStoreFiles } from './store/files/node-store-files.js';
import { openMessageStore } from './store/open-message-store.js';

/** How far below its port a broker's VIP port lies. Matches Apache's MixAll.brokerVIPChannel. */
const VIP_PORT_OFFSET = 2;

/** A running server with its inside, for those who stand above it. */
export interface OpenServer extends RunningServer {
  readonly store: MessageStore;
  /** One of the parts that container.ts puts together. */
  part<T>(type: Newable<T>): T;
}

export interface ServerHooks {
  /** Stands before the processor of every request, on all ports. */
  readonly around?: RemotingServerSettings['around'];
  /** Whether it comes and goes with a test: then its ports are not remembered, nor stalls of the event loop counted. Default false. */
  readonly isTransient?: boolean;
}

/**
 * Opens the store and starts what the options ask for.
 * @throws RMQ_STORE_LOCKED, RMQ_STORE_UNUSABLE, RMQ_ADDRESS_IN_USE, RMQ_OPTIONS_INVALID
 */
export async function runServer(options: ResolvedServerOptions, hooks: ServerHooks = {}): Promise<OpenServer> {
  const server = new Server(options, hooks, await openStore(options));
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

class Server implements OpenServer {
  readonly dir: string;
  readonly store: MessageStore;
  readonly #options: ResolvedServerOptions;
  readonly #hooks: ServerHooks;
  readonly #transport: Transport;
  readonly #container: Container;
  readonly #stalls: LoopStalls | undefined;
  readonly #ports: RemotingServer[] = [];
  #nameServers: readonly string[];
  #addresses: BrokerAddresses | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedServerOptions, hooks: ServerHooks, store: MessageStore) {
    this.dir = options.dir;
    this.store = store;
    this.#options = options;
    this.#hooks = hooks;
    this.#stalls = hooks.isTransient ? undefined : new LoopStalls();
    this.#transport = serverTransport(options);
    this.#nameServers = options.nameServers ?? [];
    this.#container = createServerContainer({
      clock: options.clock ?? systemClock,
      logger: options.logger ?? silentLogger,
      // A broker in memory may register with name servers anywhere.
      transport: this.#transport.serves ? transportByAddress(this.#transport, tcpTransport) : this.#transport,
      store,
      brokerSettings: this.#brokerSettings(),
      nameServerSettings: { orderMessageEnable: options.orderMessageEnable },
    });
  }

  async start(): Promise<void> {
    const { nameServers, registerWith, host, advertisedHost, logger = silentLogger } = this.#options;
    if (!isLoopback(host)) {
      logger.warn(`listening on ${host} without access control: whoever reaches the ports can read and write`, {
        host,
      });
    }
    this.#stalls?.start();
    const remembered = this.#hooks.isTransient ? {} : await readPorts(this.store);
    const broker = this.#container.get(Broker);
    await broker.load();
    let nameServerPort: number | undefined;
    if (nameServers === undefined) {
      const nameServer = this.#container.get(NameServer);
      await nameServer.load();
      const serve = (port: RemotingServer): Promise<void> => nameServer.serve(port);
      nameServerPort = await this.#listen(this.#options.nameServerPort, remembered.nameServer, serve);
      const own = formatAddress(advertisedHost ?? advertisedHostOf(host), nameServerPort);
      this.#nameServers = [own, ...registerWith.filter((other) => other !== own)];
    }
    const brokerPort = await this.#listenForBroker(broker, remembered.broker);
    await broker.register();
    if (this.#hooks.isTransient) return;
    const ports = { broker: brokerPort, ...(nameServerPort !== undefined && { nameServer: nameServerPort }) };
    await writePorts(this.store, remembered, ports).catch((error: unknown) => {
      logger.warn('the ports could not be remembered: after a restart they may be others', { error });
    });
  }

  get nameServers(): string {
    return this.#nameServers.join(';');
  }

  get brokerAddress(): string {
    return this.#addresses?.address ?? '';
  }

  get refusal(): string | undefined {
    return this.store.refusal;
  }

  get statistics(): ServerStatistics {
    const ports = this.#ports.map((port) => port.statistics);
    const sum = (member: 'connections' | 'refusedConnections' | 'invalidFrames'): number =>
      ports.reduce((total, port) => total + port[member], 0);
    return {
      store: this.store.statistics,
      broker: this.#container.get(Broker).statistics,
      connections: sum('connections'),
      refusedConnections: sum('refusedConnections'),
      invalidFrames: sum('invalidFrames'),
      loopStalls: this.#stalls?.statistics ?? { count: 0, longestMs: 0 },
    };
  }

  onFailed(): () => void {
    return () => {};
  }

  part<T>(type: Newable<T>): T {
    return this.#container.get(type);
  }

  [inspect.custom](): unknown {
    return inspectServer(this);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#container.get(Broker).close();
    await this.store.close();
    await this.#container.get(NameServer).close();
    await this.#container.get<RemotingClient>(RemotingClient).close();
    this.#stalls?.stop();
  }

  /** Listens on a port of its own; returns which it became. */
  async #listen(
    wanted: number,
    remembered: number | undefined,
    serve: (port: RemotingServer) => Promise<void>,
  ): Promise<number> {
    const server = await startOn(wanted, remembered, (port) => this.#start(port, serve));
    this.#ports.push(server);
    return server.address.port;
  }

  /** The broker's port, and the VIP port below it where that is wanted. */
  async #listenForBroker(broker: Broker, remembered: number | undefined): Promise<number> {
    const { host, advertisedHost, brokerPort, vipPort } = this.#options;
    const serveBelow = (offset: number) => async (port: RemotingServer) => {
      await broker.serve(port);
      this.#addresses = brokerAddresses(host, port.address.port + offset, advertisedHost);
    };
    if (!vipPort) return this.#listen(brokerPort, remembered, serveBelow(0));
    const { server, below } = await startBelowToo(brokerPort, remembered, VIP_PORT_OFFSET, (port, offset) =>
      this.#start(port, serveBelow(offset)),
    );
    this.#ports.push(server, below);
    return server.address.port;
  }

  async #start(port: number, serve: (port: RemotingServer) => Promise<void>): Promise<RemotingServer> {
    const { host, clock, logger, connectionsMax, frameSizeBytesMax } = this.#options;
    const limits = {
      ...(connectionsMax !== undefined && { connectionsMax }),
      ...(frameSizeBytesMax !== undefined && { frameSizeBytesMax }),
    };
    const { around } = this.#hooks;
    const tools = { ...(clock && { clock }), ...(logger && { logger }), ...(around && { around }) };
    const created = createRemotingServer(this.#transport, { host, port, ...limits, ...tools });
    await serve(created);
    return created;
  }

  /** Addresses become known when the ports listen; no request comes before. */
  #brokerSettings(): BrokerSettings {
    const { cluster, brokerName, broker, host, advertisedHost } = this.#options;
    const { maxMessageSize, messageDelayLevel } = storeSettingsOf(this.#options);
    const known = (): BrokerAddresses => this.#addresses ?? brokerAddresses(host, 0, advertisedHost);
    const nameServers = (): readonly string[] => this.#nameServers;
    return {
      ...BROKER_DEFAULTS,
      ...broker,
      ...(maxMessageSize !== undefined && { maxMessageSize }),
      ...(messageDelayLevel !== undefined && { delayLevelsMs: parseDelayLevels(messageDelayLevel) ?? [] }),
      clusterName: cluster,
      brokerName,
      storePathRootDir: this.#options.dir,
      useTLS: this.#options.nameServerTls !== false,
      get address() {
        return known().address;
      },
      get storeHost() {
        return known().storeHost;
      },
      get haServerAddr() {
        return known().haServerAddr;
      },
      get nameServers() {
        return nameServers();
      },
    };
  }
}

function openStore(options: ResolvedServerOptions): Promise<MessageStore> {
  const { dir, store, clock, logger } = options;
  const { files = store === 'memory' ? createMemoryStoreFiles() : nodeStoreFiles, ...sizes } = storeSettingsOf(options);
  return openMessageStore({ ...sizes, dir, files, ...(clock && { clock }), ...(logger && { logger }) });
}

function storeSettingsOf({ store }: ResolvedServerOptions): StoreSettings {
  return store === 'memory' ? MEMORY_STORE_SETTINGS : store;
}
