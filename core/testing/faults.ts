import { rocketMQError } from '../errors/rocketmq-error.js';
import { durationMs } from '../message/delay.js';
import { isPromiseLike, systemError } from '../remoting/answers.js';
import type { RemotingCommand } from '../remoting/protocol/remoting-command.js';
import type { OutgoingResponse, RequestProcessor } from '../remoting/remoting-server.js';
import type { Clock, Timer } from '../runtime/clock.js';
import { type OptionNames, requireKnown } from '../runtime/known-options.js';
import { isOfKind, type RequestKind, type ResponseKind, responseCodeOf } from './request-kind.js';

/** Which requests a fault meets. */
export interface FaultScope {
  /** How many requests it meets before it ends. Default 1; `Infinity` for all until it is removed. */
  readonly times?: number;
  /** Default: every request of the kind. Header fields by their names on the wire. */
  readonly where?: (request: { readonly code: number; readonly ext: Readonly<Record<string, string>> }) => boolean;
}

/** For `kit.refuse`. */
export interface RefuseOptions extends FaultScope {
  /** Default SYSTEM_ERROR. */
  readonly code?: ResponseKind;
  /** What the answer says in words. Default `refused by the test kit`. */
  readonly remark?: string;
}

/** For `kit.delay`. */
export interface DelayOptions extends FaultScope {
  /** Milliseconds or a duration such as `'2s'`, on the kit's clock. */
  readonly by: number | string;
}

/** For `kit.drop`. */
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

const REFUSE: OptionNames = { of: 'kit.refuse', names: new Set(['times', 'where', 'code', 'remark']) };
const DELAY: OptionNames = { of: 'kit.delay', names: new Set(['times', 'where', 'by']) };
const DROP: OptionNames = { of: 'kit.drop', names: new Set(['times', 'where', 'what']) };

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

  refuse(kind: RequestKind, options: RefuseOptions): Fault {
    requireKnown(options, REFUSE);
    const { code = 'SYSTEM_ERROR', remark = 'refused by the test kit', ...scope } = options;
    const response = { code: responseCodeOf(code), remark, ext: {} };
    return this.#add(kind, scope, (_process, respond) => respond(response));
  }

  delay(kind: RequestKind, options: DelayOptions): Fault {
    requireKnown(options, DELAY);
    const { by, ...scope } = options ?? {};
    const delayMs = typeof by === 'string' ? durationMs(by) : by;
    if (typeof delayMs !== 'number' || !(delayMs >= 0)) {
      throw invalid('by', `delay by ${String(by)}: expected milliseconds, or text such as '2s'`);
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

  drop(kind: RequestKind, options: DropOptions): Fault {
    requireKnown(options, DROP);
    const { what = 'answer', ...scope } = options;
    if (what !== 'answer' && what !== 'request') {
      throw invalid('what', `drop ${String(what)}: expected 'answer' or 'request'`);
    }
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
        const failed = (error: unknown): void => answer(systemError(error));
        try {
          const answered = processor(request, connection, answer);
          if (answered === undefined || answered === 'later') return;
          if (isPromiseLike(answered)) void answered.then(answer, failed);
          else answer(answered);
        } catch (error) {
          failed(error);
        }
      };
      effect(process, respond);
      return 'later';
    };
  };

  #add(kind: RequestKind, { times = 1, where }: FaultScope, effect: Effect): Fault {
    if (times !== Number.POSITIVE_INFINITY && !(Number.isInteger(times) && times > 0)) {
      throw invalid('times', `times ${String(times)}: expected a whole number from 1, or Infinity`);
    }
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

function invalid(option: string, words: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', words, { option });
}
