import { inject, injectable } from 'inversify';
import { type ProcessorsOnDemand, processOnDemand } from '../../remoting/processors-on-demand.js';
import type { RemotingServer } from '../../remoting/remoting-server.js';
import { Clock } from '../../runtime/clock.js';
import { Logger } from '../../runtime/logger.js';
import { Scheduler } from '../../runtime/scheduler.js';
import { KvConfig } from './kv-config.js';
import { NameServerProcessors } from './name-server-processor.js';
import { RouteInfo } from './route-info.js';

const SCAN_INITIAL_DELAY_MS = 5_000;
const SCAN_PERIOD_MS = 10_000;

/** The name server: its processors on a port, and the scan that takes out silent brokers. */
@injectable()
export class NameServer {
  readonly #processors: ProcessorsOnDemand;
  readonly #routes: RouteInfo;
  readonly #kvConfig: KvConfig;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #scheduler: Scheduler;
  #server: RemotingServer | undefined;

  constructor(
    @inject(NameServerProcessors) processors: ProcessorsOnDemand,
    @inject(RouteInfo) routes: RouteInfo,
    @inject(KvConfig) kvConfig: KvConfig,
    @inject(Clock) clock: Clock,
    @inject(Logger) logger: Logger,
  ) {
    this.#processors = processors;
    this.#routes = routes;
    this.#kvConfig = kvConfig;
    this.#clock = clock;
    this.#logger = logger;
    this.#scheduler = new Scheduler(clock, logger);
  }

  /** Reads the settings: once, before anything else. */
  load(): Promise<void> {
    return this.#kvConfig.load();
  }

  /** Serves on the port from now on. @throws RMQ_ADDRESS_IN_USE, after which another port may be tried */
  async serve(server: RemotingServer): Promise<void> {
    processOnDemand(server, this.#processors);
    await server.listen();
    this.#server = server;
    const period = { initialDelayMs: SCAN_INITIAL_DELAY_MS, periodMs: SCAN_PERIOD_MS };
    this.#scheduler.every('name server: take out silent brokers', period, () => {
      for (const address of this.#routes.expire(this.#clock.monotonic())) {
        this.#logger.warn(`broker ${address} was silent too long and is taken out`, { address });
      }
    });
  }

  async close(): Promise<void> {
    await this.#scheduler.close();
    await this.#server?.close();
  }
}
