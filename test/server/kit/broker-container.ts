import { createMemoryTransport } from '../../../core/remoting/memory-transport.js';
import type { Clock } from '../../../core/runtime/clock.js';
import type { Logger } from '../../../core/runtime/logger.js';
import type { MessageStore } from '../../../core/server/broker/message-store.js';
import { BROKER_DEFAULTS, type BrokerSettings } from '../../../core/server/broker/settings/broker-settings.js';
import { createServerContainer } from '../../../core/server/container.js';

/** What the parts of a server without a port are made of. */
export interface BrokerContainerParts {
  readonly store: MessageStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly settings?: Partial<BrokerSettings>;
  /** Of the name server. Default false. */
  readonly orderMessageEnable?: boolean;
}

/** All parts of a server, put together as ever, that says it is at 127.0.0.1:10911 and listens nowhere. */
export function brokerContainer({
  store,
  clock,
  logger,
  settings,
  orderMessageEnable = false,
}: BrokerContainerParts): ReturnType<typeof createServerContainer> {
  return createServerContainer({
    clock,
    logger,
    transport: createMemoryTransport(),
    store,
    brokerSettings: {
      ...BROKER_DEFAULTS,
      address: '127.0.0.1:10911',
      storeHost: '127.0.0.1:10911',
      haServerAddr: '127.0.0.1:10912',
      nameServers: [],
      storePathRootDir: '/data',
      ...settings,
    },
    nameServerSettings: { orderMessageEnable },
  });
}
