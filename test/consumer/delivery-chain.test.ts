import { concat, map, NEVER, Observable, of, Subject, tap, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  ACK,
  type DeliveryAttachment,
  type DeliveryContext,
  type DeliveryInterceptor,
  type DeliveryOutcome,
} from '../../core/consumer/delivery/delivery.js';
import { composeDelivery, type DeliveryEnd } from '../../core/consumer/delivery/delivery-chain.js';
import { DeliveryPass } from '../../core/consumer/delivery/delivery-pass.js';
import type { ReceivedMessage } from '../../core/message/message.js';
import { orderGap } from '../../core/pipeline/gap-order.js';

const message = { msgId: 'm1' } as ReceivedMessage;
const queue = { topic: 'orders', brokerName: 'broker-a', queueId: 0 };

function setup(interceptors: Record<string, DeliveryInterceptor>, end?: DeliveryEnd) {
  const handled: DeliveryContext[] = [];
  const late: unknown[] = [];
  const outcomes: DeliveryOutcome[] = [];
  const deliver = composeDelivery(
    Object.entries(interceptors).map(([plugin, interceptor]) => ({ plugin, interceptor })),
    (context, settle) => {
      handled.push(context);
      (end ?? ((_context, acknowledge) => acknowledge(ACK)))(context, settle);
    },
    (error) => late.push(error),
  );
  const controller = new AbortController();
  const facts = { group: 'g', queue, attempt: 2, ended: false, signals: { signalOf: () => controller.signal } };
  deliver(new DeliveryPass(facts, [message]), (outcome) => outcomes.push(outcome));
  return { handled, late, outcomes, deliver };
}

const misuse = (plugin: string, rule: string): unknown => [
  { kind: 'retry', error: expect.objectContaining({ code: 'RMQ_PIPELINE_MISUSE', interceptor: plugin, rule }) },
];

describe('a delivery chain', () => {
  test('runs interceptors from the outside in, and their operators from the inside out', () => {
    const steps: string[] = [];
    const stepping =
      (name: string): DeliveryInterceptor =>
      (context, next) => {
        steps.push(`${name} before`);
        return next(context).pipe(tap((outcome) => steps.push(`${name} after ${outcome.kind}`)));
      };
    const { outcomes } = setup({ outer: stepping('outer'), inner: stepping('inner') }, (_context, settle) => {
      steps.push('handler');
      settle(ACK);
    });
    expect(steps).toEqual(['outer before', 'inner before', 'handler', 'inner after ack', 'outer after ack']);
    expect(outcomes).toEqual([ACK]);
  });

  test('shows queue, attempt, group and signal, and hands changed messages on', () => {
    const changed = { msgId: 'm2' } as ReceivedMessage;
    const { handled } = setup({
      changer: (context, next) => {
        expect([context.group, context.queue, context.attempt, context.signal.aborted]).toEqual(['g', queue, 2, false]);
        return next(context.with({ messages: [changed] }));
      },
    });
    expect(handled[0]?.messages).toEqual([changed]);
    expect(handled[0]?.attempt).toBe(2);
  });

  test('works when the handler takes its time', async () => {
    const { outcomes } = setup({ through: (context, next) => next(context) }, (_context, settle) => {
      queueMicrotask(() => settle(ACK));
    });
    expect(outcomes).toEqual([]);
    await Promise.resolve();
    expect(outcomes).toEqual([ACK]);
  });

  test('may be vetoed: a message that an interceptor acknowledges itself does not reach the handler', () => {
    const { handled, outcomes } = setup({ skip: () => of(ACK) });
    expect([handled, outcomes]).toEqual([[], [ACK]]);
  });

  test('may change an outcome', () => {
    const error = new Error('audit says no');
    const { outcomes } = setup({
      auditor: (context, next) => next(context).pipe(map(() => ({ kind: 'retry', error }) as const)),
    });
    expect(outcomes).toEqual([{ kind: 'retry', error }]);
  });

  test.each<[string, DeliveryInterceptor]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
    ['raises an error', () => throwError(() => new Error('broken'))],
    [
      'throws in an operator',
      (context, next) =>
        next(context).pipe(
          map(() => {
            throw new Error('broken');
          }),
        ),
    ],
  ])(
    'an interceptor that %s ends that delivery in retry, under its name, and outer ones see it as an outcome',
    (_name, interceptor) => {
      const seen: DeliveryOutcome[] = [];
      const { outcomes } = setup({
        outer: (context, next) => next(context).pipe(tap((outcome) => seen.push(outcome))),
        wrong: interceptor,
      });
      expect(outcomes).toEqual([
        {
          kind: 'retry',
          error: expect.objectContaining({
            code: 'RMQ_PLUGIN_FAILED',
            plugin: 'wrong',
            cause: new Error('broken'),
          }),
        },
      ]);
      expect(seen).toEqual(outcomes);
    },
  );

  test.each<[string, DeliveryInterceptor]>([
    [
      'called next twice',
      (context, next) => {
        const first = next(context);
        next(context).subscribe();
        return first;
      },
    ],
    ['called next twice', (context, next) => concat(next(context), next(context))],
    ['ended in two outcomes', () => of(ACK, ACK)],
    ['ended without an outcome', () => of()],
    ['returned something that is no Observable', () => Promise.resolve(ACK) as never],
    [
      "ended in something other than { kind: 'ack' }, { kind: 'retry', error }, { kind: 'deadLetter', reason }, or { kind: 'each', outcomes } with one of these for each message",
      () => of('ok') as never,
    ],
    ['called next with a context that context.with did not make', (context, next) => next({ ...context })],
    [
      'passed on more or fewer messages than it was given',
      (context, next) => next(context.with({ messages: [message, message] })),
    ],
    [
      'subscribed the result of next twice',
      (context, next) => {
        const result = next(context);
        result.subscribe();
        return result;
      },
    ],
  ])('an interceptor that %s fails that delivery by name, and the handler runs once at most', (rule, interceptor) => {
    const { handled, outcomes } = setup({ wrong: interceptor });
    expect(outcomes).toEqual(misuse('wrong', rule));
    expect(handled.length).toBeLessThanOrEqual(1);
  });

  test('misuse after the end is reported and changes nothing', () => {
    let later: (() => void) | undefined;
    const { outcomes, late } = setup({
      wrong: (context, next) => {
        later = () => next(context).subscribe();
        return of(ACK);
      },
    });
    later?.();
    expect(outcomes).toEqual([ACK]);
    expect(late).toMatchObject([{ code: 'RMQ_PIPELINE_MISUSE', interceptor: 'wrong' }]);
  });

  test('waits for an interceptor that is not done, and for no one else', () => {
    const open = new Subject<DeliveryOutcome>();
    const waiting = setup({ slow: () => open });
    const never = setup({ never: () => NEVER });
    expect([waiting.outcomes, never.outcomes]).toEqual([[], []]);
    open.next(ACK);
    open.complete();
    expect(waiting.outcomes).toEqual([ACK]);
  });

  test('makes no Observable where there is no interceptor', () => {
    const end: DeliveryEnd = (_context, settle) => settle(ACK);
    expect(composeDelivery([], end, () => undefined)).toBe(end);
  });

  test('an interceptor may subscribe what next returned later', () => {
    const { handled, outcomes } = setup({
      later: (context, next) => {
        const result = next(context);
        return new Observable((subscriber) => result.subscribe(subscriber));
      },
    });
    expect([handled.length, outcomes]).toEqual([1, [ACK]]);
  });
});

describe('the order of delivery interceptors', () => {
  const attachment = (plugin: string, order?: DeliveryAttachment['order']): DeliveryAttachment => ({
    plugin,
    order,
    create: () => undefined,
  });
  const names = (attachments: readonly DeliveryAttachment[]): string[] => attachments.map(({ plugin }) => plugin);

  test('is that of registration unless they ask for another', () => {
    expect(
      names(
        orderGap([
          attachment('a', { after: ['c'] }),
          attachment('b'),
          attachment('c'),
          attachment('d', { before: ['b'], after: ['absent'] }),
        ]),
      ),
    ).toEqual(['c', 'a', 'd', 'b']);
  });

  test('a circle is refused and printed', () => {
    expect(() =>
      orderGap([
        attachment('x'),
        attachment('a', { before: ['b'] }),
        attachment('b', { before: ['c'] }),
        attachment('c', { before: ['a'] }),
      ]),
    ).toThrow(
      expect.objectContaining({
        code: 'RMQ_PLUGIN_CONFLICT',
        message: expect.stringContaining('a before b before c before a'),
      }),
    );
  });
});
