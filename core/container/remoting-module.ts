import { ContainerModule } from 'inversify';
import { withClusterTransport } from '../client/cluster-transport.js';
import { createRemotingClient } from '../remoting/client.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { createTcpTransport } from '../remoting/tcp-transport.js';
import { Transport } from '../remoting/transport.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import { partOf } from './part-of.js';
import { Cluster, Deadlines, Plugins, Settings } from './tokens.js';

export const remotingModule = new ContainerModule(({ bind }) => {
  bind<Transport>(Transport)
    .toDynamicValue((context) => {
      const { transport, tls } = partOf(context, Settings);
      return transport ?? createTcpTransport({ tls });
    })
    .inSingletonScope();
  bind<RemotingClient>(RemotingClient)
    .toDynamicValue((context) => {
      const { headerEncoding, connectTimeoutMs, frameSizeBytesMax } = partOf(context, Settings);
      return createRemotingClient({
        transport: withClusterTransport(partOf(context, Cluster)?.transport, partOf(context, Transport)),
        clock: partOf(context, Clock),
        logger: partOf(context, Logger),
        deadlines: partOf(context, Deadlines),
        interceptors: partOf(context, Plugins).registrations.requests,
        headerEncoding,
        connectTimeoutMs,
        frameSizeBytesMax,
      });
    })
    .inSingletonScope();
});
