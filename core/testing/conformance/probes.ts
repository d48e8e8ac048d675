import { Observable } from 'rxjs';
import type { DeliveryContext } from '../../consumer/delivery/delivery.js';
import type { ReceivedMessage } from '../../message/message.js';
import type { SendContext } from '../../pipeline/context.js';
import { type SendHandler, STAGE_NAMES, type StageName } from '../../pipeline/interceptor.js';
import type { Plugin, PluginHost } from '../../plugin/plugin.js';
import type { RequestContext } from '../../remoting/request-interceptor.js';

/** One side of the plugin under test: `outer` is called before it, `inner` by it. */
export type Side = 'outer' | 'inner';

/** Hooks beside the gaps of sends that something goes through. */
export type ReceivingGap = 'delivery' | 'filter' | 'reply' | 'read';
export type Gap = StageName | ReceivingGap | 'request';

/** One pass through a gap, as one side saw it. */
export interface Pass {
  readonly side: Side;
  /** The stage that the gap is before, or another hook. */
  readonly gap: Gap;
  readonly context: unknown;
  /** Where messages are received: as they were then. */
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
  #host: PluginHost | undefined;

  constructor(plugin: string) {
    this.#plugin = plugin;
  }

  /** The plugin between its probes: where plugins have no order of their own, that of `connect({ plugins })` counts. */
  around(plugin: Plugin): readonly [outer: Plugin, plugin: Plugin, inner: Plugin] {
    const outer = this.#probe('outer', { before: [this.#plugin] });
    return [outer, plugin, this.#probe('inner', { after: [this.#plugin] })];
  }

  of(gap: Gap, side: Side): readonly Pass[] {
    return this.passes.filter((pass) => pass.gap === gap && pass.side === side);
  }

  /** Passes of sends. */
  get sends(): readonly Pass[] {
    return this.passes.filter(({ gap }) => (STAGE_NAMES as readonly Gap[]).includes(gap));
  }

  /** Gaps that a send went through. */
  get gaps(): readonly Gap[] {
    return [...new Set(this.sends.map(({ gap }) => gap))];
  }

  /** What the client offers to the outer probe. */
  get host(): PluginHost {
    return this.#host!;
  }

  #probe(side: Side, order: { readonly before?: readonly string[]; readonly after?: readonly string[] }): Plugin {
    const note = (gap: Gap, context: unknown, messages?: readonly ReceivedMessage[]): Pass => {
      const ending = { results: [], copies: [], error: undefined, completed: false };
      const pass: Pass = { side, gap, context, messages: messages && copiesOf(messages), ...ending };
      this.passes.push(pass);
      return pass;
    };
    const watch = <C, R>(
      gap: Gap,
      context: C,
      next: (context: C) => Observable<R>,
      messages?: readonly ReceivedMessage[],
    ): Observable<R> => {
      const pass = note(gap, context, messages);
      return watched(next(context), pass);
    };
    const handOn = (gap: ReceivingGap) => (message: ReceivedMessage) => {
      const messages = [message];
      note(gap, { messages }, messages);
      return message;
    };
    return {
      name: `conformance probe, ${side}`,
      setup: (host) => {
        if (side === 'outer') this.#host = host;
        for (const stage of STAGE_NAMES) {
          const create =
            () =>
            <C extends SendContext>(context: C, next: SendHandler<C>) =>
              watch(stage, context, next);
          host.interceptSend({ before: stage, order, create });
        }
        host.interceptDelivery({
          order,
          create: () => (context: DeliveryContext, next) => watch('delivery', context, next, context.messages),
        });
        const filter = handOn('filter');
        host.filterDelivery({ order, create: () => (message) => filter(message) === message });
        host.interceptReply(handOn('reply'));
        host.interceptRead(handOn('read'));
        host.interceptRequest('decorate', (context: RequestContext, next) => watch('request', context, next));
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
