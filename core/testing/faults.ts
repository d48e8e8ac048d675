import { rocketMQError } from '../errors/rocketmq-error.js';
import { durationMs } from '../message/delay.js';
import { isPromiseLike, systemError } from '../remoting/answers.js';
import type { RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { OutgoingResponse, RequestProcessor } from '../remoting/remoting-server.js';
import type { Clock, Timer } from '../runtime/clock.js';
import { isOfKind, type RequestKind, type ResponseKind, responseCodeOf } from './request-kind.js';

/** Which requests a fault meets. */
export interface FaultScope {
  /** How many requests it meets before it ends. Default 1; `Infinity` for all until it is removed. */
  readonly times?: number;
  /** Default: every request of the kind. Header fields by their names on the wire. */
  readonly where?: (request: { readonly code: number; readonly ext: Readonly<Record<string, string>> }) => boolean;
}

export interface RefuseOptions extends FaultScope {
  /** Default SYSTEM_ERROR. */
  readonly code?: ResponseKind;
  readonly remark?: string;
}

export interface DelayOptions extends FaultScope {
  /** Milliseconds or a duration such as `'2s'`, on the kit's clock. */
  readonly by: number | string;
}

export interface DropOptions extends FaultScope {
  /** `answer`: the request is carried out and its answer lost; `request`: it never arrives. Default `answer`. */
  readonly what?: 'request' | 'answer';
}

/** A fault that was set. */
export interface Fault {
  /** Requests it has met. */
  readonly hits: number;
  remove(): void;
}

type Respond = (response: OutgoingResponse) => void;
/** What is done with one request; `process` has it processed as always. */
type Effect = (process: (respond: Respond) => void, respond: Respond) => void;

interface ActiveFault {
  readonly matches: (request: RemotingCommand) => boolean;
  readonly effect: Effect;
  left: number;
  hits: number;
}

/** What goes wrong at the servers of a kit, in front of their processors. */
export class Faults {
  readonly #clock: Clock;
  readonly #active = new Set<ActiveFault>();
  readonly #timers = new Set<Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  refuse(
    kind: RequestKind,
    { code = 'SYSTEM_ERROR', remark = 'refused by the test kit', ...scope }: RefuseOptions,
  ): Fault {
    const response = { code: responseCodeOf(code), remark, ext: {} };
    return this.#add(kind, scope, (_process, respond) => respond(response));
  }

  delay(kind: RequestKind, { by, ...scope }: DelayOptions): Fault {
    const delayMs = typeof by === 'string' ? durationMs(by) : by;
    if (typeof delayMs !== 'number' || !(delayMs >= 0)) {
      throw rocketMQError(
        'RMQ_OPTIONS_INVALID',
        `delay by ${String(by)}: expected milliseconds, or text such as '2s'`,
        {
          option: 'by',
        },
      );
    }
    return this.#add(kind, scope, (process, respond) =>
      process((response) => {
        const timer = this.#clock.setTimer(delayMs, () => {
          this.#timers.delete(timer);
          respond(response);
        });
        this.#timers.add(timer);
      }),
    );
  }

  drop(kind: RequestKind, { what = 'answer', ...scope }: DropOptions): Fault {
    return this.#add(kind, scope, (process) => {
      if (what === 'answer') process(() => {});
    });
  }

  /** Ends all of them; answers that are being delayed are never given. */
  clear(): void {
    this.#active.clear();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** For `runServer`: the processor with what goes wrong in front of it. */
  readonly around = (processor: RequestProcessor): RequestProcessor => {
    if (this.#active.size === 0) return processor;
    return (request, connection, respond) => {
      const effect = this.#take(request);
      if (effect === undefined) return processor(request, connection, respond);
      const process = (answer: Respond): void => {
        const answered = processor(request, connection, answer);
        if (answered === undefined || answered === 'later') return;
        if (isPromiseLike(answered)) void answered.then(answer, (error: unknown) => answer(systemError(error)));
        else answer(answered);
      };
      effect(process, respond);
      return 'later';
    };
  };

  #add(kind: RequestKind, { times = 1, where }: FaultScope, effect: Effect): Fault {
    const isKind = isOfKind(kind);
    const fault: ActiveFault = {
      matches: (request) => isKind(request.code) && (where?.({ code: request.code, ext: request.ext }) ?? true),
      effect,
      left: times,
      hits: 0,
    };
    this.#active.add(fault);
    return {
      get hits() {
        return fault.hits;
      },
      remove: () => void this.#active.delete(fault),
    };
  }

  /** The first that matches, in the order in which they were set. */
  #take(request: RemotingCommand): Effect | undefined {
    for (const fault of this.#active) {
      if (!fault.matches(request)) continue;
      fault.hits++;
      if (--fault.left <= 0) this.#active.delete(fault);
      return fault.effect;
    }
    return undefined;
  }
}
