import { Observable } from 'rxjs';
import type { DeliveryContext } from '../../consumer/delivery/delivery.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { SendContext } from '../../pipeline/context.js';
import { type SendHandler, STAGE_NAMES } from '../../pipeline/interceptor.js';
import type { Plugin } from '../../plugin/plugin.js';

/** One side of the plugin under test: `outer` is called before it, `inner` by it. */
export type Side = 'outer' | 'inner';

/** One pass through a gap, as one side saw it. */
export interface Pass {
  readonly side: Side;
  /** The stage that the gap is before, or `delivery`. */
  readonly gap: string;
  readonly context: unknown;
  /** Of a delivery: its messages as they were then. */
  readonly messages: readonly unknown[] | undefined;
  results: unknown[];
  /** The results as they were then. */
  copies: unknown[];
  error: { readonly error: unknown } | undefined;
  completed: boolean;
}

/** Stand on both sides of a plugin in every gap, and write down what goes by. They change nothing. */
export class Probes {
  readonly passes: Pass[] = [];
  readonly #plugin: string;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  get plugins(): readonly [outer: Plugin, inner: Plugin] {
    return [this.#probe('outer', { before: [this.#plugin] }), this.#probe('inner', { after: [this.#plugin] })];
  }

  of(gap: string, side: Side): readonly Pass[] {
    return this.passes.filter((pass) => pass.gap === gap && pass.side === side);
  }

  /** Gaps that something went through. */
  get gaps(): readonly string[] {
    return [...new Set(this.passes.map(({ gap }) => gap))];
  }

  #probe(side: Side, order: { readonly before?: readonly string[]; readonly after?: readonly string[] }): Plugin {
    const watch = <C, R>(
      gap: string,
      context: C,
      next: (context: C) => Observable<R>,
      messages?: readonly unknown[],
    ): Observable<R> => {
      const ending = { results: [], copies: [], error: undefined, completed: false };
      const pass: Pass = { side, gap, context, messages, ...ending };
      this.passes.push(pass);
      return watched(next(context), pass);
    };
    return {
      name: `conformance probe, ${side}`,
      setup: (host) => {
        for (const stage of STAGE_NAMES) {
          const create =
            () =>
            <C extends SendContext>(context: C, next: SendHandler<C>) =>
              watch(stage, context, next);
          host.interceptSend({ before: stage, order, create });
        }
        host.interceptDelivery({
          order,
          create: () => (context: DeliveryContext, next) =>
            watch('delivery', context, next, copiesOf(context.messages)),
        });
      },
    };
  }
}

/** Whatever becomes of the messages: what they held, down to the bytes. */
export function copiesOf(messages: readonly ReceivedMessage[]): readonly unknown[] {
  return messages.map((message) => {
    const { body, keys, properties } = message;
    return { ...message, body: Buffer.from(body), keys: [...keys], properties: { ...properties } };
  });
}

function watched<R>(source: Observable<R>, pass: Pass): Observable<R> {
  return new Observable((subscriber) => {
    return source.subscribe({
      next: (value) => {
        pass.results.push(value);
        pass.copies.push(typeof value === 'object' ? { ...value } : value);
        subscriber.next(value);
      },
      error: (error: unknown) => {
        pass.error = { error };
        subscriber.error(error);
      },
      complete: () => {
        pass.completed = true;
        subscriber.complete();
      },
    });
  });
}
