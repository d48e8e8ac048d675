import type { DeliveryAttachment } from '../consumer/delivery/delivery.js';
import type { DeliveryFilterAttachment } from '../consumer/delivery/delivery-filter.js';
import { rocketMQError } from '../errors/rocketmq-error.js';
import type { SendAttachment } from '../pipeline/interceptor.js';
import type { SettledListener } from '../pipeline/settled.js';
import type { ReplyAttachment } from '../producer/request-reply/reply-interceptor.js';
import type { CallbackHandler } from '../remoting/remoting-client.js';
import type { RequestInterceptor, RequestInterceptors } from '../remoting/request-interceptor.js';
import type { Token } from '../runtime/token.js';
import type { EndTransactionListener } from './end-transaction.js';
import type { PartBinding } from './part.js';
import type { ReadAttachment } from './read-interceptor.js';

interface RegisteredHandler {
  readonly plugin: string;
  readonly handler: CallbackHandler;
}

/** Everything that plugins registered during setup, in order. Conflicts are found as they are made. */
export class PluginRegistrations {
  readonly sends: SendAttachment[] = [];
  readonly deliveries: DeliveryAttachment[] = [];
  readonly deliveryFilters: DeliveryFilterAttachment[] = [];
  readonly replies: ReplyAttachment[] = [];
  readonly reads: ReadAttachment[] = [];
  readonly settledListeners: SettledListener[] = [];
  readonly endTransactionListeners: EndTransactionListener[] = [];
  readonly #decorators: { readonly plugin: string; readonly interceptor: RequestInterceptor }[] = [];
  readonly #handlers = new Map<number, RegisteredHandler>();
  readonly #bindings: PartBinding[] = [];
  readonly #reservedCodes: readonly number[];
  #sign: { readonly plugin: string; readonly interceptor: RequestInterceptor } | undefined;

  /** `reservedCodes` are requests of brokers that the client answers itself. */
  constructor(reservedCodes: readonly number[] = []) {
    this.#reservedCodes = reservedCodes;
  }

  get requests(): RequestInterceptors {
    return { decorate: this.#decorators, ...(this.#sign === undefined ? {} : { sign: this.#sign }) };
  }

  get handlers(): ReadonlyMap<number, RegisteredHandler> {
    return this.#handlers;
  }

  get bindings(): readonly PartBinding[] {
    return this.#bindings;
  }

  binderOf(token: Token<unknown>): string | undefined {
    return this.#bindings.find((one) => one.token === token && one.producers === undefined)?.plugin;
  }

  addRequest(phase: 'decorate' | 'sign', plugin: string, interceptor: RequestInterceptor): void {
    if (phase === 'decorate') {
      this.#decorators.push({ plugin, interceptor });
      return;
    }
    if (this.#sign !== undefined)
      throw conflict('Requests can be signed by one plugin only', [this.#sign.plugin, plugin]);
    this.#sign = { plugin, interceptor };
  }

  addHandler(code: number, plugin: string, handler: CallbackHandler): void {
    const other = this.#handlers.get(code)?.plugin;
    if (other !== undefined) throw conflict(`Request code ${code} is answered by two plugins`, [other, plugin]);
    if (this.#reservedCodes.includes(code))
      throw conflict(`Request code ${code} is answered by the client itself`, [plugin]);
    this.#handlers.set(code, { plugin, handler });
  }

  addBinding(binding: PartBinding): void {
    const clash = this.#bindings.find(
      (other) =>
        other.token === binding.token &&
        (other.plugin !== binding.plugin || other.producers === undefined || binding.producers === undefined),
    );
    if (clash !== undefined) {
      throw conflict(`The part ${binding.token.description ?? 'without a name'} is bound twice`, [
        clash.plugin,
        binding.plugin,
      ]);
    }
    this.#bindings.push(binding);
  }
}

/** Plugins that cannot be put together; the message prints them. */
export function conflict(what: string, plugins: readonly string[]): Error {
  return rocketMQError('RMQ_PLUGIN_CONFLICT', `${what}: ${plugins.join(', ')}`, { plugins });
}
