import { concat, EMPTY, map, mergeWith, NEVER, Observable, of, retry, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { rocketMQError } from '../../core/errors/rocketmq-error.js';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import type { RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import type { RequestInterceptor, RequestInterceptors } from '../../core/remoting/request-interceptor.js';
import { waitFor } from '../kit/wait-for.js';
import { remotingPair } from './remoting-setup.js';

const timeoutMs = 30_000;

/** A server that remembers what arrived, and a client with these interceptors. */
async function setup(interceptors: RequestInterceptors) {
  const seen: { code: number; ext: Record<string, string>; body: string; remark: string | undefined }[] = [];
  const pair = await remotingPair(createMemoryTransport(), { client: { interceptors } }, (server) => {
    server.processOthers(({ code, ext, body, remark }) => {
      seen.push({ code, ext: { ...ext }, body: body.toString(), remark });
      return { code: 0, remark: 'answered' };
    });
    server.process(11, () => 'later');
  });
  return { ...pair, seen };
}

const fail = (): never => {
  throw new Error('once more');
};

const one = (plugin: string, interceptor: RequestInterceptor): RequestInterceptors => ({
  decorate: [{ plugin, interceptor }],
});

describe('request interceptors', () => {
  test('decorate in their order, sign last, and see the fields as a map; each sees the answer on its way back', async () => {
    const order: string[] = [];
    const adding =
      (name: string): RequestInterceptor =>
      (context, next) => {
        order.push(`${name} sees ${[...context.ext.keys()]}`);
        context.ext.set(name, 'added');
        return next(context).pipe(
          map((response) => {
            order.push(`${name} hears ${response?.remark}`);
            return response;
          }),
        );
      };
    const { client, address, seen } = await setup({
      decorate: [
        { plugin: 'one', interceptor: adding('one') },
        { plugin: 'two', interceptor: adding('two') },
      ],
      sign: { plugin: 'signer', interceptor: adding('signature') },
    });
    const request = { code: 10, ext: { a: 1, absent: undefined }, body: Buffer.from('body'), remark: 'why' };
    const answer = await client.invoke(address, request, { timeoutMs });
    expect(answer.remark).toBe('answered');
    expect(order).toEqual([
      'one sees a',
      'two sees a,one',
      'signature sees a,one,two',
      'signature hears answered',
      'two hears answered',
      'one hears answered',
    ]);
    expect(seen).toEqual([
      { code: 10, ext: { a: '1', one: 'added', two: 'added', signature: 'added' }, body: 'body', remark: 'why' },
    ]);
    expect(request.ext).toEqual({ a: 1, absent: undefined });
  });

  test('another context changes the request; oneway requests pass too', async () => {
    const { client, address, seen } = await setup(
      one('upper', (context, next) => next({ ...context, body: Buffer.from(`${context.oneway} ${context.body}`) })),
    );
    await client.oneway(address, { code: 10, body: Buffer.from('x') }, { timeoutMs });
    await client.invoke(address, { code: 10, body: Buffer.from('y') }, { timeoutMs });
    expect(seen.map(({ body }) => body)).toEqual(['true x', 'false y']);
  });

  test('one that throws, or whose stream fails, fails the request under its plugin’s name, before anything is sent', async () => {
    const cause = new Error('broken');
    for (const interceptor of [
      () => {
        throw cause;
      },
      () => throwError(() => cause),
      () => undefined as unknown as Observable<RemotingCommand>,
    ]) {
      const { client, address, seen } = await setup(one('breaker', interceptor));
      const failure = await client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'RMQ_PLUGIN_FAILED', plugin: 'breaker' });
      expect(seen).toEqual([]);
    }
  });

  test('an error of ours passes through untouched', async () => {
    const veto = rocketMQError('RMQ_MESSAGE_ILLEGAL', 'no', { field: 'body' });
    const { client, address } = await setup(one('veto', () => throwError(() => veto)));
    await expect(client.invoke(address, { code: 10 }, { timeoutMs })).rejects.toBe(veto);
    const { client: plain } = await setup(one('idle', (context, next) => next(context)));
    const nowhere = plain.invoke('nowhere:65000', { code: 10 }, { timeoutMs });
    await expect(nowhere).rejects.toMatchObject({ code: 'RMQ_CONNECT_FAILED' });
  });

  test('one may answer itself; nobody hears of it before start has returned', async () => {
    const answer = { code: 0, remark: 'cached', ext: {}, body: Buffer.alloc(0) } as unknown as RemotingCommand;
    const { client, address, seen } = await setup(one('cache', () => of(answer)));
    const heard: unknown[] = [];
    client.start(
      address,
      { code: 10 },
      { timeoutMs },
      { onResponse: (r) => heard.push(r), onFailure: (e) => heard.push(e) },
    );
    expect(heard).toEqual([]);
    const cancelled = client.start(
      address,
      { code: 10 },
      { timeoutMs },
      { onResponse: () => heard.push('cancelled'), onFailure: () => heard.push('cancelled') },
    );
    expect(cancelled.cancel()).toBe('no');
    expect(await client.invoke(address, { code: 10 }, { timeoutMs })).toBe(answer);
    expect(heard).toEqual([answer]);
    expect(seen).toEqual([]);
  });

  test('one that never ends is ended by the deadline, one that ends in no value is misuse', async () => {
    const { client, address } = await setup(one('stuck', () => NEVER));
    const stuck = client.invoke(address, { code: 10 }, { timeoutMs: 30 });
    await expect(stuck).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', timeoutMs: 30, sent: 'no' });
    const { client: other } = await setup(one('empty', () => new Observable((subscriber) => subscriber.complete())));
    await expect(other.invoke(address, { code: 10 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
    });
  });

  test('a request is sent once: trying again inside, or a context of one’s own making, is misuse', async () => {
    const { client, address, seen } = await setup(
      one('again', (context, next) =>
        next(context).pipe(
          map(() => {
            throw new Error('once more');
          }),
          retry(1),
        ),
      ),
    );
    const again = client.invoke(address, { code: 10 }, { timeoutMs });
    await expect(again).rejects.toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', interceptor: 'again' });
    expect(seen).toHaveLength(1);
    const { client: other, address: there } = await setup(
      one('maker', ({ address: to, code, oneway, ext, body }, next) => next({ address: to, code, oneway, ext, body })),
    );
    const made = other.invoke(there, { code: 10 }, { timeoutMs });
    await expect(made).rejects.toMatchObject({ code: 'RMQ_PIPELINE_MISUSE', interceptor: 'maker' });
  });

  test.each<[string, string, RequestInterceptor]>([
    ['ends in no value', 'in 0', () => EMPTY],
    ['ends in two', 'in 2', (context, next) => concat(next(context), of({ code: 0 } as RemotingCommand))],
    ['ends in no response', 'a response', () => of<RemotingCommand | undefined>(undefined)],
    ['ends in something else', 'a response', () => of(5 as unknown as RemotingCommand)],
    [
      'ends in a copy without fields',
      'a response',
      (context, next) => next(context).pipe(map((it) => it && { ...it })),
    ],
    [
      'sends text as a body',
      'the body of a request is bytes',
      (context, next) => next({ ...context, body: 'text' as never }),
    ],
    ['hands on nothing', 'spreading', (_, next) => next(undefined as never)],
    ['tries again', 'sent once', (context, next) => next(context).pipe(map(fail), retry(1))],
  ])('among others, one that %s is named', async (_, rule, interceptor) => {
    const through: RequestInterceptor = (context, next) => next(context);
    const { client, address, seen } = await setup({
      decorate: [
        { plugin: 'first', interceptor: through },
        { plugin: 'careless', interceptor },
        { plugin: 'second', interceptor: through },
      ],
      sign: { plugin: 'signer', interceptor: through },
    });
    const failed = client.invoke(address, { code: 10 }, { timeoutMs });
    await expect(failed).rejects.toMatchObject({
      code: 'RMQ_PIPELINE_MISUSE',
      interceptor: 'careless',
      rule: expect.stringContaining(rule),
    });
    expect(seen.map(({ body }) => body)).toEqual(seen.map(() => ''));
  });

  test('the fields of an answer that an interceptor hands on are decoded by who asks for them alone', async () => {
    let decoded = 0;
    const counting: RequestInterceptor = (context, next) =>
      next(context).pipe(
        map((answer) => {
          const ext = (): Record<string, string> => {
            decoded++;
            return {};
          };
          return answer && Object.create(answer, { ext: { get: ext } });
        }),
      );
    const { client, address } = await setup(one('counting', counting));
    const answer = await client.invoke(address, { code: 10 }, { timeoutMs });
    expect(decoded).toBe(0);
    expect(answer.ext).toEqual({});
    expect(decoded).toBe(1);
  });

  test('one that has the answer and does not end is named when the time is over, whichever is around it', async () => {
    const through: RequestInterceptor = (context, next) => next(context);
    const endless: RequestInterceptor = (context, next) => next(context).pipe(mergeWith(NEVER));
    for (const decorate of [
      [{ plugin: 'endless', interceptor: endless }],
      [
        { plugin: 'outer', interceptor: through },
        { plugin: 'endless', interceptor: endless },
      ],
    ]) {
      const { client, address } = await setup({ decorate });
      const asked = client.invoke(address, { code: 10 }, { timeoutMs: 60 });
      await expect(asked).rejects.toMatchObject({ code: 'RMQ_REQUEST_TIMEOUT', plugin: 'endless', sent: 'maybe' });
    }
  });

  test('cancelling drops the request below, and tells whether it may have left', async () => {
    const { client, address } = await setup(one('idle', (context, next) => next(context)));
    const controller = new AbortController();
    const asked = client.invoke(address, { code: 11 }, { timeoutMs, signal: controller.signal });
    await waitFor(() => client.statistics.inFlight === 1 && client.isConnected(address));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'RMQ_REQUEST_ABORTED', sent: 'maybe' });
    expect(client.statistics.inFlight).toBe(0);
  });

  test('closing the client ends what sits in an interceptor', async () => {
    const { client, address } = await setup(one('stuck', () => NEVER));
    const stuck = client.invoke(address, { code: 10 }, { timeoutMs }).catch((error: unknown) => error);
    await client.close();
    expect(await stuck).toMatchObject({ code: 'RMQ_NOT_RUNNING' });
    await expect(client.invoke(address, { code: 10 }, { timeoutMs })).rejects.toMatchObject({
      code: 'RMQ_NOT_RUNNING',
    });
  });
});
