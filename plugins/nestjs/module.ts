import 'reflect-metadata';
import {
  type DynamicModule,
  type FactoryProvider,
  Module,
  type ModuleMetadata,
  type Provider,
  type Type,
} from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { type Client, type ConnectOptions, connect, type ProducerOptions, rocketMQError } from '../../core/index.js';
import { nestLogger } from './nest-logger.js';
import { RunningConsumers } from './running-consumers.js';
import { consumersToken, DEFAULT_CLIENT, producerToken, rocketMQOptionsToken, rocketMQToken } from './tokens.js';

const CLOSE_TIMEOUT_MS = 30_000;

/** What the module itself can be told. */
export interface RocketMQModuleExtras {
  /** Tells clients of one application apart. Default: the client without a name. */
  readonly name?: string;
  /** Whether every module sees the client. Default true; `forProducer` needs that. */
  readonly isGlobal?: boolean;
  /** How long the end of the application waits for handlers and sends that are under way. Default 30,000. */
  readonly closeTimeoutMs?: number;
}

/** Makes the options of a client, where `useClass` or `useExisting` names such a provider. */
export interface RocketMQOptionsFactory {
  createRocketMQOptions(): ConnectOptions | Promise<ConnectOptions>;
}

/** One of `useFactory`, `useClass` and `useExisting`. */
export interface RocketMQModuleAsyncOptions extends RocketMQModuleExtras {
  readonly imports?: ModuleMetadata['imports'];
  readonly inject?: FactoryProvider['inject'];
  // biome-ignore lint/suspicious/noExplicitAny: its parameters are what `inject` names, which no type says
  readonly useFactory?: (...dependencies: any[]) => ConnectOptions | Promise<ConnectOptions>;
  readonly useClass?: Type<RocketMQOptionsFactory>;
  readonly useExisting?: Type<RocketMQOptionsFactory>;
}

/**
 * A client of RocketMQ in a NestJS application, its producers for injection, and its consumer classes.
 * @example
 * @Module({
 *   imports: [RocketMQModule.forRoot({ nameServers: '10.0.0.5:9876' }), RocketMQModule.forProducer({ group: 'checkout' })],
 *   providers: [OrdersService, BillingConsumer],
 * })
 * export class AppModule {}
 */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: NestJS knows a dynamic module by its class
export class RocketMQModule {
  /** With options that are known. What `connect` takes; the logger is the application's unless another is given. */
  static forRoot(options: ConnectOptions, extras: RocketMQModuleExtras = {}): DynamicModule {
    return root(extras, [], [{ provide: rocketMQOptionsToken(extras.name), useValue: options }]);
  }

  /** With options that something else has to say: a configuration service, a secret store. */
  static forRootAsync(options: RocketMQModuleAsyncOptions): DynamicModule {
    return root(options, options.imports ?? [], optionProviders(options));
  }

  /**
   * Provides the producer of a group, for `@InjectProducer(group)`. Once for each group: other modules import the one that
   * registers it. Its client has to be global.
   */
  static forProducer(options: ProducerOptions & { readonly client?: string }): DynamicModule {
    const { client, ...producer } = options;
    const provide = producerToken(options.group, client);
    const useFactory = (mq: Client) => mq.producer(producer);
    return {
      module: RocketMQModule,
      providers: [{ provide, inject: [rocketMQToken(client)], useFactory }],
      exports: [provide],
    };
  }
}

function root(
  { name = DEFAULT_CLIENT, isGlobal = true, closeTimeoutMs = CLOSE_TIMEOUT_MS }: RocketMQModuleExtras,
  imports: NonNullable<ModuleMetadata['imports']>,
  providers: readonly Provider[],
): DynamicModule {
  const client = rocketMQToken(name);
  return {
    module: RocketMQModule,
    global: isGlobal,
    imports: [DiscoveryModule, ...imports],
    providers: [
      ...providers,
      {
        provide: client,
        inject: [rocketMQOptionsToken(name)],
        useFactory: (options: ConnectOptions) => connect({ logger: nestLogger(), ...options }),
      },
      {
        provide: consumersToken(name),
        inject: [DiscoveryService, client],
        useFactory: (discovery: DiscoveryService, mq: Client) =>
          new RunningConsumers(discovery, mq, name, closeTimeoutMs),
      },
    ],
    exports: [client],
  };
}

function optionProviders({ name, inject, useFactory, useClass, useExisting }: RocketMQModuleAsyncOptions): Provider[] {
  const provide = rocketMQOptionsToken(name);
  if (useFactory !== undefined) return [{ provide, inject: inject ?? [], useFactory }];
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    const words = 'RocketMQModule.forRootAsync takes useFactory, useClass or useExisting';
    throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'forRootAsync' });
  }
  return [
    ...(useExisting === undefined ? [factory] : []),
    { provide, inject: [factory], useFactory: (made: RocketMQOptionsFactory) => made.createRocketMQOptions() },
  ];
}
