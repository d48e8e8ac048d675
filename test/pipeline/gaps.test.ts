import type { Container } from 'inversify';
import { throwError } from 'rxjs';
import { expect, test } from 'vitest';
import { toAttachment } from '../../core/pipeline/attach.js';
import type { SendContext } from '../../core/pipeline/context.js';
import { orderGap } from '../../core/pipeline/gap-order.js';
import type { InterceptorOrder, SendAttachment, SendInterceptor } from '../../core/pipeline/interceptor.js';
import type { SelectStage } from '../../core/pipeline/stage.js';
import { SendStage } from '../../core/pipeline/tokens.js';
import { hello, pipelineKit, rejection } from './pipeline-kit.js';

const attachment = (plugin: string, order?: InterceptorOrder): SendAttachment =>
  toAttachment(plugin, { before: 'send', ...(order && { order }), create: () => undefined });

const ordered = (...attachments: SendAttachment[]): string[] => orderGap(attachments).map((one) => one.plugin);

test('plugins of one gap run in the order of registration where no rule says otherwise', () => {
  expect(ordered(attachment('c'), attachment('a'), attachment('b'))).toEqual(['c', 'a', 'b']);
});

test('order.before and order.after move a plugin, and names that are not there say nothing', () => {
  expect(ordered(attachment('a'), attachment('b', { before: ['a'] }))).toEqual(['b', 'a']);
  expect(ordered(attachment('a', { after: ['b', 'absent'] }), attachment('b'))).toEqual(['b', 'a']);
  expect(ordered(attachment('a', { after: ['c'] }), attachment('b'), attachment('c'))).toEqual(['b', 'c', 'a']);
});

test('a plugin attached twice in one gap keeps its own order', () => {
  const first = attachment('a', { before: ['a'] });
  const second = attachment('a', { before: ['a'] });
  expect(orderGap([first, second])).toEqual([first, second]);
});

test('a cycle is refused and printed', () => {
  const make = () =>
    ordered(attachment('a', { before: ['b'] }), attachment('b', { before: ['c'] }), attachment('c', { before: ['a'] }));
  expect(make).toThrow(/a before b before c before a|b before c before a before b|c before a before b before c/);
});

test('attach refuses what the compiler refuses', () => {
  const create = () => undefined;
  const code = 'RMQ_OPTIONS_INVALID';
  expect(() => toAttachment('p', { create })).toThrow(expect.objectContaining({ code }));
  expect(() => toAttachment('p', { before: 'send', after: 'route', create })).toThrow(
    expect.objectContaining({ code }),
  );
  expect(() => toAttachment('p', { after: 'updateFault', create })).toThrow(/nothing comes after updateFault/);
  expect(() => toAttachment('p', { before: 'sned' as 'send', create })).toThrow(/sned is no stage/);
  expect(() => toAttachment('p', { before: 'send', create: undefined as never })).toThrow(/create/);
});

test('after a stage is the gap before the next one', () => {
  expect(toAttachment('p', { after: 'check', create: () => undefined }).beforeStage).toBe('route');
  expect(toAttachment('p', { after: 'send', create: () => undefined }).beforeStage).toBe('updateFault');
});

test('describe prints stages and interceptors as they were composed', async () => {
  const through = (): SendInterceptor<SendContext> => (context, next) => next(context);
  const kit = await pipelineKit({
    plugins: [
      { plugin: 'tracing', before: 'check', create: through },
      { plugin: 'audit', after: 'select', create: through },
      { plugin: 'forbidden', before: 'compress', order: { before: ['audit'] }, create: through },
      { plugin: 'absent', before: 'send', create: () => undefined },
    ],
  });
  expect(kit.producer.describe()).toBe(
    [
      'send pipeline of producer group test-group',
      '├─   ↳ tracing (before check)',
      '├─ 1 check',
      '├─ 2 route',
      '├─ 3 select',
      '├─   ↳ forbidden (before compress)',
      '├─   ↳ audit (before compress)',
      '├─ 4 compress',
      '├─ 5 send',
      '└─ 6 updateFault',
    ].join('\n'),
  );
});

test('the chain is composed once per producer, and create sees which producer', async () => {
  const seen: unknown[] = [];
  const kit = await pipelineKit({
    plugins: [
      {
        plugin: 'once',
        before: 'check',
        create: (producer) => {
          seen.push(producer);
          return undefined;
        },
      },
    ],
  });
  await kit.producer.send(hello);
  await kit.producer.send(hello);
  expect(seen).toEqual([{ group: 'test-group', internal: false }]);
});

test('a replaced select is used by its own producer only', async () => {
  const last: SelectStage = {
    run: (context, next) => next(context.attempted(context.publishInfo.queues.at(-1)!, context.publishInfo)),
  };
  const bind = (container: Container) => {
    container.unbind(SendStage.select);
    container.bind(SendStage.select).toConstantValue(last);
  };
  const replaced = await pipelineKit({ bind });
  const plain = await pipelineKit();
  await replaced.producer.send(hello);
  await replaced.producer.send(hello);
  await plain.producer.send(hello);
  expect(replaced.requests.map((request) => [request.ext.n, request.ext.e])).toEqual([
    ['broker-b', 1],
    ['broker-b', 1],
  ]);
  expect(plain.requests[0]?.ext.n).toBe('broker-a');
});

test('a replaced select may call next again once an attempt has ended, and no sooner', async () => {
  const hasty: SelectStage = {
    run: (context, next) => {
      next(context.attempted(context.publishInfo.queues[0]!, context.publishInfo));
      return next(context.attempted(context.publishInfo.queues[1]!, context.publishInfo));
    },
  };
  const bind = (container: Container) => {
    container.unbind(SendStage.select);
    container.bind(SendStage.select).toConstantValue(hasty);
  };
  const kit = await pipelineKit({ bind });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({
    code: 'RMQ_PIPELINE_MISUSE',
    interceptor: 'stage select',
  });
});

test('a replaced check decides what is legal, also when a message is replaced later', async () => {
  const bind = (container: Container) => {
    container.unbind(SendStage.check);
    container
      .bind(SendStage.check)
      .toConstantValue({ run: (_: never, __: never) => throwError(() => new Error('closed')) });
  };
  const kit = await pipelineKit({ bind });
  expect(await rejection(kit.producer.send(hello))).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'stage check' });
});
