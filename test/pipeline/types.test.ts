import { beforeEach, expect, expectTypeOf, test } from 'vitest';
import { json } from '../../core/message/json-codec.js';
import type { MessageQueue, OutgoingMessage } from '../../core/message/message.js';
import { topic, type ValueOf } from '../../core/message/typed-topic.js';
import type { InterceptSend } from '../../core/pipeline/attach.js';
import type { BrokerFacts, Payload, SendContext } from '../../core/pipeline/context.js';
import { fromAsync } from '../../core/pipeline/from-async.js';
import { type SendHandler, STAGE_NAMES } from '../../core/pipeline/interceptor.js';
import { settled } from '../../core/pipeline/settled-step.js';
import type { TypedMessage } from '../../core/producer/producer.js';

let attached: unknown[] = [];
beforeEach(() => {
  attached = [];
});
const interceptSend: InterceptSend = (spec: unknown) => {
  attached.push(spec);
};

test('the types of a gap show what is known there', () => {
  interceptSend({
    before: 'send',
    create: () => (context, next) => {
      expectTypeOf(context.queue).toEqualTypeOf<MessageQueue>();
      expectTypeOf(context.broker).toEqualTypeOf<BrokerFacts>();
      expectTypeOf(context.payload).toEqualTypeOf<Payload>();
      expectTypeOf(context.message.body).toEqualTypeOf<Uint8Array | string>();
      return settled(next(context), {});
    },
  });
  interceptSend({
    after: 'send',
    create: () => (context, next) => {
      expectTypeOf(context.outcome.kind).toEqualTypeOf<'result' | 'failure'>();
      // @ts-expect-error nothing can be changed any more
      void context.with;
      return next(context);
    },
  });
  interceptSend({
    before: 'route',
    create: () => (context, next) => {
      // @ts-expect-error the queue is chosen later
      void context.queue;
      // @ts-expect-error so is the broker
      void context.broker;
      expectTypeOf(context.message).toEqualTypeOf<OutgoingMessage>();
      return next(context);
    },
  });
  interceptSend({
    after: 'route',
    create: () => (context, next) => {
      expectTypeOf(context.publishInfo.autoCreate).toEqualTypeOf<boolean>();
      // @ts-expect-error the queue is chosen later
      void context.queue;
      return next(context);
    },
  });
  expect(attached).toHaveLength(4);
});

test('with accepts by gap', () => {
  interceptSend({
    before: 'route',
    create: () => (context, next) => {
      next(context.with({ topic: 'other', message: context.message }));
      // @ts-expect-error there is no queue to change
      return next(context.with({ queue: { topic: 'a', brokerName: 'b', queueId: 0 } }));
    },
  });
  interceptSend({
    before: 'select',
    // @ts-expect-error the topic is fixed from route on
    create: () => (context, next) => next(context.with({ topic: 'other' })),
  });
  interceptSend({
    before: 'compress',
    create: () => (context, next) => {
      next(context.with({ message: context.message, queue: context.queue }));
      // @ts-expect-error the payload is made by compress
      return next(context.with({ payload: { body: new Uint8Array(), sysFlag: 0 } }));
    },
  });
  interceptSend({
    before: 'send',
    create: () => (context, next) => {
      next(context.with({ queue: context.queue, payload: context.payload }));
      // @ts-expect-error the message is encoded already
      return next(context.with({ message: context.message }));
    },
  });
  expect(attached).toHaveLength(4);
});

test('before and after exclude each other, and nothing comes after updateFault', () => {
  // @ts-expect-error one of the two
  interceptSend({ before: 'send', after: 'route', create: () => undefined });
  // @ts-expect-error one of the two
  interceptSend({ create: () => undefined });
  // @ts-expect-error the end of the chain
  interceptSend({ after: 'updateFault', create: () => undefined });
  expect(attached).toHaveLength(3);
});

test('the gap types an interceptor that a function makes', () => {
  interceptSend({
    after: 'select',
    create: () =>
      fromAsync(async (context, next) => {
        expectTypeOf(context.attempt).toEqualTypeOf<number>();
        expectTypeOf(context.broker).toEqualTypeOf<BrokerFacts>();
        return next(context.with({ queue: context.queue }));
      }),
  });
  interceptSend({
    before: 'check',
    create: ({ internal }) => (internal ? undefined : fromAsync((context, next) => next(context.with({ topic: 'T' })))),
  });
  // One for all gaps says so.
  for (const before of STAGE_NAMES) {
    const create =
      () =>
      <C extends SendContext>(context: C, next: SendHandler<C>) =>
        next(context);
    interceptSend({ before, create });
  }
  expect(attached).toHaveLength(2 + STAGE_NAMES.length);
});

test('a typed topic types what is sent and what is received', () => {
  const orders = topic('orders', json<{ id: string }>());
  expectTypeOf<ValueOf<typeof orders>>().toEqualTypeOf<{ id: string }>();
  const message: TypedMessage<{ id: string }> = { topic: orders, value: { id: '1' } };
  // @ts-expect-error the value has another type
  const wrong: TypedMessage<{ id: string }> = { topic: orders, value: { id: 1 } };
  expect([message.topic.name, wrong.topic.name]).toEqual(['orders', 'orders']);
});
