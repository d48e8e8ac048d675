import { isRocketMQError } from '../errors/rocketmq-error.js';
import { isPromiseLike } from '../remoting/answers.js';
import { guardedLogger } from '../runtime/guarded-logger.js';
import { holdBy } from '../runtime/held-by.js';
import { Logger } from '../runtime/logger.js';
import { watchRejection } from '../runtime/watch-rejection.js';
import type { PartBinding } from './part.js';
import { type MethodRule, type MethodRules, PART_RULES } from './part-rules.js';
import { endsWithin, pluginFailure, type StepLimit } from './plugin-failure.js';

/** How the parts that plugins bind are looked after. */
export interface PartLimit extends StepLimit {
  readonly logger: Logger;
}

type Call = (...values: readonly unknown[]) => unknown;

/**
 * What stands for a part of the client that a plugin has bound: what the part throws, what it rejects with, what it gives
 * that is not what its interface says, and a promise that does not end, carry the plugin's name. Errors of ours pass: they
 * are what its interface says of failures. Made once, where the part is bound; the client's own parts have none.
 * @throws RMQ_PLUGIN_FAILED for what is no such part
 */
export function guardedPart(binding: PartBinding, part: unknown, limit: PartLimit): unknown {
  const rule = PART_RULES.get(binding.token);
  if (rule === undefined) return part;
  const guard = new Guard(binding, limit);
  if ('methods' in rule) {
    const guarded = guard.object(part, rule.methods);
    // What a logger throws is nobody's failure.
    return binding.token === Logger ? guardedLogger(guarded as Logger) : guarded;
  }
  if ('each' in rule) {
    if (!Array.isArray(part)) throw guard.failure('', new TypeError(`it is a list, not ${kindOf(part)}`));
    return part.map((one) => guard.object(one, rule.each));
  }
  if (typeof part !== 'function') throw guard.failure('', new TypeError(`it is a function, not ${kindOf(part)}`));
  const { makes } = rule;
  const call = guard.call('', part as Call, rule.call);
  return makes === undefined ? call : (...values: readonly unknown[]) => guard.object(call(...values), makes);
}

class Guard {
  readonly #plugin: string;
  readonly #name: string;
  readonly #limit: PartLimit;

  constructor({ plugin, token }: PartBinding, limit: PartLimit) {
    this.#plugin = plugin;
    this.#name = token.description ?? 'a part';
    this.#limit = limit;
  }

  /** Has everything that the part has: its methods around the part's own, which stay the part's and see its private state. */
  object(part: unknown, rules: MethodRules): object {
    if (typeof part !== 'object' || part === null)
      throw this.failure('', new TypeError(`it is an object, not ${kindOf(part)}`));
    const has = part as Record<string, unknown>;
    const around: object = Object.create(part);
    for (const name of new Set([...namesOf(part), ...Object.keys(rules)])) {
      const rule = rules[name];
      const isMethod = typeof has[name] === 'function' || (rule !== undefined && !rule.optional);
      const method: Call = (...values) => {
        if (typeof has[name] !== 'function') throw new TypeError('it has no such method');
        return has[name](...values);
      };
      const property = isMethod ? { value: this.call(`.${name}`, method, rule) } : { get: () => has[name] };
      Object.defineProperty(around, name, property);
    }
    return around;
  }

  call(name: string, call: Call, rule: MethodRule | undefined): Call {
    // Where a promise is awaited at once, what is thrown comes by it too.
    if (rule?.promised === true) return (...values) => this.#promise(name, (async () => call(...values))(), rule);
    return (...values) => {
      let given: unknown;
      try {
        given = call(...values);
      } catch (error) {
        throw this.failure(name, error);
      }
      if (rule?.told) {
        watchRejection(given, (error) => this.#complain(name, error));
        return undefined;
      }
      if (isPromiseLike(given) && (rule === undefined || rule.promised !== undefined)) {
        return this.#promise(name, given, rule);
      }
      return rule === undefined ? given : this.#checked(name, given, rule);
    };
  }

  failure(name: string, error: unknown): Error {
    return isRocketMQError(error) ? error : pluginFailure(this.#plugin, `its ${this.#name}${name}`, error);
  }

  #promise(name: string, given: PromiseLike<unknown>, rule: MethodRule | undefined): Promise<unknown> {
    const limited = rule?.promised === 'in time' ? endsWithin(given, this.#limit) : Promise.resolve(given);
    const promise = limited.then(
      (value) => (rule === undefined ? value : this.#checked(name, value, rule)),
      (error: unknown) => {
        throw this.failure(name, error);
      },
    );
    holdBy(promise, this.#plugin);
    return promise;
  }

  #checked(name: string, given: unknown, { gives, holds }: MethodRule): unknown {
    if (holds(given)) return given;
    watchRejection(given, (error) => this.#complain(name, error));
    throw this.failure(name, new TypeError(`it gives ${gives}, not ${kindOf(given)}`));
  }

  #complain(name: string, error: unknown): void {
    this.#limit.logger.error('a part that a plugin binds failed when nobody waited for it', {
      plugin: this.#plugin,
      error: this.failure(name, error),
    });
  }
}

/** Of an object and of its class. */
function namesOf(part: object): ReadonlySet<string> {
  const names = new Set<string>();
  for (let at: object = part; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) if (name !== 'constructor') names.add(name);
  }
  return names;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (isPromiseLike(value)) return 'a promise';
  return Array.isArray(value) ? 'such a list' : typeof value;
}
