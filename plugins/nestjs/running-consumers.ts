import type { DiscoveryService, InstanceWrapper } from '@nestjs/core';
import { type Client, type Consumer, rocketMQError, type TopicHandler } from '../../core/index.js';
import {
  type ConsumerMetadata,
  consumerMetadata,
  type SubscribedMethod,
  subscribedMethods,
} from './consumer-metadata.js';
import { consumersToken } from './tokens.js';

type Handler = TopicHandler['handler'];

/**
 * The consumer classes of an application on one client: found and started when the application has started, drained
 * before anything they use goes, and the client closed when nothing can use it any more.
 */
export class RunningConsumers {
  readonly #discovery: DiscoveryService;
  readonly #mq: Client;
  readonly #client: string;
  readonly #closeTimeoutMs: number;
  readonly #consumers: Consumer[] = [];

  constructor(discovery: DiscoveryService, mq: Client, client: string, closeTimeoutMs: number) {
    this.#discovery = discovery;
    this.#mq = mq;
    this.#client = client;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  /** Called by NestJS. @throws what starting a consumer throws; then nothing runs */
  async onApplicationBootstrap(): Promise<void> {
    try {
      const providers = this.#discovery.getProviders();
      const clients = providers.map(({ name }) => name);
      const isTwice = clients.filter((name) => name === consumersToken(this.#client)).length > 1;
      for (const wrapper of [...providers, ...this.#discovery.getControllers()]) {
        const metadata = consumerMetadata(wrapper.metatype);
        if (metadata === undefined) requireNoSubscription(wrapper);
        else if (!clients.includes(consumersToken(metadata.client))) throw ofNoClient(wrapper.name, metadata.client);
        if (metadata?.client !== this.#client) continue;
        if (isTwice) throw ofTwoClients(wrapper.name, this.#client);
        if (!wrapper.isDependencyTreeStatic()) throw notStatic(wrapper.name);
        await this.#start(metadata, wrapper.instance as object, wrapper.name);
      }
    } catch (error) {
      await this.#mq.close({ timeoutMs: this.#closeTimeoutMs });
      throw error;
    }
  }

  /** Called by NestJS before anything is taken apart: what handlers use is still there. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.close({ timeoutMs: this.#closeTimeoutMs })));
  }

  /** Called by NestJS at the end: requests that are still served meanwhile may send. */
  async onApplicationShutdown(): Promise<void> {
    await this.#mq.close({ timeoutMs: this.#closeTimeoutMs });
  }

  async #start({ options }: ConsumerMetadata, instance: object, name: string): Promise<void> {
    const methods = subscribedMethods(instance);
    if (methods.length === 0) throw invalid(`consumer class ${name} has no @Subscribe method`);
    const subscribe = methods.map(({ topic, expression }) => [topic, expression] as const);
    const consumer = await this.#mq.consumer({ ...options, subscribe });
    this.#consumers.push(consumer);
    await consumer.run(methods.map((method) => handlerOf(instance, method)));
  }
}

function handlerOf(instance: object, { method, topic, policies }: SubscribedMethod): TopicHandler {
  const handler: Handler = (message, context) =>
    (instance as Record<string | symbol, Handler>)[method]?.(message, context);
  return { topic: typeof topic === 'string' ? topic : topic.name, handler, policies };
}

/** Its methods would never be called, and nobody would say so. */
function requireNoSubscription({ metatype, name }: InstanceWrapper): void {
  const prototype = typeof metatype === 'function' ? (metatype.prototype as object | undefined) : undefined;
  if (prototype === undefined || subscribedMethods(prototype).length === 0) return;
  throw invalid(`class ${name} has @Subscribe methods and is no @RocketMQConsumer`);
}

function ofNoClient(name: string, client: string): Error {
  return invalid(`consumer class ${name} names the client ${client}, and no RocketMQModule.forRoot has that name`);
}

function ofTwoClients(name: string, client: string): Error {
  return invalid(
    `consumer class ${name} would run twice: RocketMQModule.forRoot is there more than once for the client ${client}. ` +
      'Import it once, or give each a name of its own.',
  );
}

function notStatic(name: string): Error {
  return invalid(
    `consumer class ${name} is request-scoped, or something that it injects is: messages are no requests. ` +
      'Inject ModuleRef and resolve what has a scope in the method.',
  );
}

function invalid(words: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'RocketMQConsumer' });
}
