import { rocketMQError } from '../errors/rocketmq-error.js';
import { createMemoryTransport } from '../remoting/memory-transport.js';
import { tcpTransport } from '../remoting/tcp-transport.js';
import { ConsumerRegistry } from '../server/broker/clients/consumer-registry.js';
import { ProducerRegistry } from '../server/broker/clients/producer-registry.js';
import { type OpenServer, runServer } from '../server/run-server.js';
import { type ResolvedServerOptions, resolveServerOptions } from '../server/server-options.js';
import { createMemoryStoreFiles, MEMORY_STORE_SETTINGS } from '../server/store/files/memory-store-files.js';
import type { StoreFiles } from '../server/store/files/store-files.js';
import type { Faults } from './faults.js';
import type { ResolvedKitOptions } from './kit-options.js';
import { TopicContents } from './topic-contents.js';
import type { VirtualClock } from './virtual-clock.js';
import { type WatchedTransport, watchedTransport } from './watched-transport.js';

/** The server of a kit, which can be taken away and started again at the same addresses. */
export class KitServer {
  readonly transport: WatchedTransport;
  readonly contents = new TopicContents();
  readonly #options: ResolvedKitOptions;
  readonly #clock: VirtualClock;
  readonly #faults: Faults;
  #files: StoreFiles = createMemoryStoreFiles();
  #open: OpenServer | undefined;
  /** As they were at the first start; 0 before. */
  #ports = { nameServerPort: 0, brokerPort: 0 };

  constructor(options: ResolvedKitOptions, clock: VirtualClock, faults: Faults) {
    this.#options = options;
    this.#clock = clock;
    this.#faults = faults;
    const transport = options.transport === 'memory' ? createMemoryTransport() : tcpTransport;
    this.transport = watchedTransport(transport, () => clock.noteActivity());
  }

  get server(): OpenServer {
    if (this.#open !== undefined) return this.#open;
    throw rocketMQError('RMQ_NOT_RUNNING', 'the test kit is closed', { state: 'shut down' });
  }

  async open(): Promise<void> {
    const options = this.#serverOptions();
    const server = await runServer(options, { around: this.#faults.around, isTransient: true });
    this.#open = server;
    this.contents.show(server.store, options.brokerName);
    this.#ports = { nameServerPort: portOf(server.nameServers), brokerPort: portOf(server.brokerAddress) };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.contents.hide();
    await open?.close();
  }

  /** Forgets every message, topic and offset; only while it is closed. */
  forget(): void {
    this.#files = createMemoryStoreFiles();
  }

  /** Addresses that a client connects from: what it opened through the kit, and what it sends heartbeats on. */
  addressesOf(clientId: string): Set<string> {
    const producers = this.server.part(ProducerRegistry);
    const consumers = this.server.part(ConsumerRegistry);
    const channels = [
      ...producers.groups.flatMap((group) => producers.members(group) ?? []),
      ...consumers.groups.flatMap((group) => consumers.group(group)?.members ?? []),
    ];
    const heard = channels.filter((one) => one.clientId === clientId).map((one) => one.connection.remoteAddress);
    return new Set([...this.transport.addressesOf(clientId), ...heard]);
  }

  #serverOptions(): ResolvedServerOptions {
    return resolveServerOptions(
      {
        ...this.#options.server,
        dir: '/kit',
        store: { ...MEMORY_STORE_SETTINGS, files: this.#files },
        transport: this.transport,
        clock: this.#clock,
      },
      this.#ports,
    );
  }
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}
