import 'reflect-metadata';
import { networkInterfaces } from 'node:os';
import { Container } from 'inversify';
import type { Client } from '../client/client.js';
import { formatClientId, uniqueInstanceName } from '../client/client-id.js';
import { ClientInstance } from '../client/client-instance.js';
import type { RunningCluster } from '../client/cluster-source.js';
import { type ConnectOptions, type ResolvedConnectOptions, resolveConnectOptions } from '../client/connect-options.js';
import { CONSUMER_CALL_CODES } from '../consumer/consumer-registry.js';
import { rocketMQError } from '../errors/rocketmq-error.js';
import { chooseClientIp } from '../message/local-address.js';
import { PluginManager } from '../plugin/plugin-manager.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import { NameServerResolver } from '../routing/name-server-resolver.js';
import { silentLogger } from '../runtime/logger.js';
import { systemClock } from '../runtime/system-clock.js';
import { bindParts } from './bind-part.js';
import { clientModule } from './client-module.js';
import { clientParts } from './client-parts.js';
import { consumerModule } from './consumer-module.js';
import { messageModule } from './message-module.js';
import { pipelineModule } from './pipeline-module.js';
import { Producers, producerFactory } from './producer-factory.js';
import { producerModule } from './producer-module.js';
import { remotingModule } from './remoting-module.js';
import { routingModule } from './routing-module.js';
import { runtimeModule } from './runtime-module.js';
import { ClientId, Cluster, Plugins, Settings } from './tokens.js';

/** Requests of brokers that consumers and producers answer. */
const RESERVED_CODES = [...CONSUMER_CALL_CODES, RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT];

/**
 * Makes a client: checks the options, sets up plugins, starts the `cluster` when there is one. It asks no server; the first
 * use does, and reports a name server that cannot be reached.
 * @throws RMQ_OPTIONS_INVALID, RMQ_NAME_SERVER_MISSING, RMQ_PLUGIN_CONFLICT, RMQ_PLUGIN_FAILED, and what `cluster` throws
 * @example
 * const mq = await connect({ nameServers: '10.0.0.5:9876' });
 * const producer = await mq.producer({ group: 'checkout' });
 * await producer.send({ topic: 'orders', body: 'order 42' });
 * await mq.close();
 */
export async function connect(options: ConnectOptions = {}): Promise<Client> {
  const settings = resolveConnectOptions(options, process.env);
  const clientId = clientIdOf(settings);
  const plugins = new PluginManager(settings.plugins, {
    clientId,
    ...(settings.source.kind === 'list' && { nameServers: settings.source.addresses }),
    clock: settings.clock ?? systemClock,
    logger: settings.logger ?? silentLogger,
    timeoutMs: settings.pluginTimeoutMs,
    reservedCodes: RESERVED_CODES,
  });
  let cluster: RunningCluster | undefined;
  let instance: ClientInstance | undefined;
  try {
    await plugins.setup();
    requireNameServers(settings, plugins);
    if (settings.source.kind === 'cluster') cluster = await settings.source.cluster.start({ clientId });
    cluster?.onFailed?.((error) => {
      settings.logger?.error('the cluster that runs for this client ended by itself', { clientId, error });
    });
    const container = compose(settings, clientId, plugins, cluster);
    instance = new ClientInstance(clientParts(container, () => release(container, cluster)));
    await instance.start();
    return instance;
  } catch (error) {
    await giveUp(instance, plugins, cluster, settings);
    throw error;
  }
}

function clientIdOf({ clientIP, instanceName, unitName }: ResolvedConnectOptions): string {
  return formatClientId(
    clientIP ?? chooseClientIp(networkInterfaces()),
    instanceName ?? uniqueInstanceName(process.pid, Math.random),
    unitName,
  );
}

function requireNameServers({ source }: ResolvedConnectOptions, { registrations }: PluginManager): void {
  if (source.kind !== 'missing') return;
  if (registrations.bindings.some(({ token }) => token === NameServerResolver)) return;
  throw rocketMQError(
    'RMQ_NAME_SERVER_MISSING',
    'connect() was given no `cluster`, no `nameServers` and no `addressServer`, and NAMESRV_ADDR is not set',
    {},
  );
}

/** The rooms' modules, then what plugins bound in their place. */
function compose(
  settings: ResolvedConnectOptions,
  clientId: string,
  plugins: PluginManager,
  cluster: RunningCluster | undefined,
): Container {
  const container = new Container();
  container.bind(Settings).toConstantValue(settings);
  container.bind(ClientId).toConstantValue(clientId);
  container.bind(Plugins).toConstantValue(plugins);
  container.bind(Cluster).toConstantValue(cluster);
  container.loadSync(
    runtimeModule,
    messageModule,
    remotingModule,
    routingModule,
    pipelineModule,
    producerModule,
    consumerModule,
    clientModule,
  );
  container.bind(Producers).toConstantValue(producerFactory(container));
  bindParts(container, plugins.registrations.bindings, plugins.limit);
  return container;
}

async function release(container: Container, cluster: RunningCluster | undefined): Promise<void> {
  await container.unbindAll();
  await cluster?.release();
}

/** Takes back what was begun; the error that ended it matters more than any of taking back. */
async function giveUp(
  instance: ClientInstance | undefined,
  plugins: PluginManager,
  cluster: RunningCluster | undefined,
  { logger = silentLogger }: ResolvedConnectOptions,
): Promise<void> {
  try {
    if (instance !== undefined) await instance.close();
    else {
      await plugins.stop();
      await cluster?.release();
    }
  } catch (error) {
    logger.error('what a failed connect had begun could not be taken back', { error });
  }
}
