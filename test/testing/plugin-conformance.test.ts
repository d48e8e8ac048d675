import { catchError, map, mergeWith, NEVER, Observable, of, tap, throwError } from 'rxjs';
import { describe, expect, test } from 'vitest';
import {
  type CreatedContext,
  type Plugin,
  type PluginHost,
  type RemotingCommand,
  type SendHandler,
  type SendResult,
  settled,
} from '../../core/index.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { pluginConformance } from '../../core/testing/index.js';
import { forbidden } from '../../plugins/forbidden/index.js';

const plugin =
  (setup: (host: PluginHost) => void): (() => Plugin) =>
  () => ({ name: 'under test', setup });

const sending = (intercept: (context: CreatedContext, next: SendHandler<CreatedContext>) => Observable<SendResult>) =>
  plugin((host) => host.interceptSend({ before: 'check', create: () => intercept }));

describe('a plugin that does nothing', () => {
  for (const check of pluginConformance(plugin(() => {}))) test(check.name, check.run);
});

let alone: Plugin | undefined;

const OWN = { status: 'SEND_OK', msgId: 'none', queue: { topic: 'T', brokerName: 'b', queueId: 0 } } as SendResult;
const REFUSAL = { code: 13, ext: {}, body: Buffer.alloc(0) } as unknown as RemotingCommand;
const REPLY = 'hands the reply to a request on, unchanged';
const READ = 'hands a message that a plugin reads on, unchanged';
const TRANSACTION = 'hears how transactions end, and changes nothing of it';
const ANSWERS = 'hands the answers of servers on, and what fails';

/** What plugins do wrong, and the one check that says so. */
const BREAKS_A_RULE: Record<string, readonly [broken: () => Plugin, check: string, says: RegExp]> = {
  'writes to the message': [
    sending((context, next) => {
      (context.message as { tag?: string }).tag = 'mine';
      return next(context);
    }),
    'does not change the message it is given',
    /read only/,
  ],
  'writes to the body': [
    sending((context, next) => {
      (context.message.body as Buffer)[0] = 0;
      return next(context);
    }),
    'does not change the message it is given',
    /changed the body/,
  ],
  'keeps the send to itself': [
    sending(() => of(OWN)),
    'calls next once for each pass',
    /called 1 times and called next 0 times/,
  ],
  'makes a result of its own': [
    sending((context, next) => next(context).pipe(map((result) => ({ ...result })))),
    'passes the result of a send on untouched',
    /another result/,
  ],
  'writes to the result': [
    sending((context, next) => next(context).pipe(tap((result) => Object.assign(result, { msgId: 'mine' })))),
    'passes the result of a send on untouched',
    /wrote to the result/,
  ],
  'knows of no second attempt': [
    plugin((host) =>
      host.interceptSend({
        after: 'select',
        create: () => (context, next) => {
          if (context.attempt > 1) throw new Error('a second attempt');
          return next(context);
        },
      }),
    ),
    'calls next once for each pass',
    /a second attempt/,
  ],
  'knows of one message at a time': [
    plugin((host) =>
      host.interceptDelivery({
        create: () => (context, next) => {
          if (context.messages.length > 1) throw new Error('two at once');
          return next(context);
        },
      }),
    ),
    'hands a batch of messages on, and the outcome back',
    /another outcome/,
  ],
  'never goes on': [
    sending(() => NEVER),
    'passes the result of a send on untouched',
    /nothing went on until time went by, then: .*plugin under test/,
  ],
  'never starts': [
    plugin((host) => host.onStart(() => new Promise(() => {}))),
    'has a name',
    /nothing went on until time went by, then: Plugin under test failed in onStart/,
  ],
  'makes an error of its own': [
    sending((context, next) => next(context).pipe(catchError(() => throwError(() => new Error('mine'))))),
    'passes the error of a broker on',
    /another error/,
  ],
  'swallows an error': [
    sending((context, next) => next(context).pipe(catchError(() => of(OWN)))),
    'passes the error of a broker on',
    /ended well/,
  ],
  'goes on with what was cancelled': [
    sending(
      (context, next) =>
        new Observable((subscriber) => {
          void Promise.resolve().then(() => next(context).subscribe(subscriber));
        }),
    ),
    'lets go of a send that is cancelled',
    /before the send has ended/,
  ],
  'calls next twice': [
    sending((context, next) => {
      next(context);
      return next(context);
    }),
    'calls next once for each pass',
    /next is called once/,
  ],
  'swallows a delivery': [
    plugin((host) => host.interceptDelivery({ create: () => () => of({ kind: 'ack' as const }) })),
    'hands a delivered message on once, and its acknowledgement back',
    /called 0 times/,
  ],
  'keeps an outcome to itself': [
    plugin((host) => host.interceptDelivery({ create: () => (context, next) => next(context).pipe(mergeWith(NEVER)) })),
    'hands a delivered message on once, and its acknowledgement back',
    /handed 0 outcomes/,
  ],
  'acknowledges what failed': [
    plugin((host) =>
      host.interceptDelivery({
        create: () => (context, next) => next(context).pipe(map(() => ({ kind: 'ack' as const }))),
      }),
    ),
    'hands a failure of the handler back, so that the message comes again',
    /called 1 times/,
  ],
  'changes what is delivered': [
    plugin((host) =>
      host.interceptDelivery({
        create: () => (context, next) =>
          next(context.with({ messages: context.messages.map((message) => ({ ...message, tag: 'mine' })) })),
      }),
    ),
    'does not change the messages it delivers',
    /other messages/,
  ],
  'writes to what is delivered': [
    plugin((host) =>
      host.interceptDelivery({
        create: () => (context, next) => {
          for (const { body } of context.messages) body[0] = 0;
          return next(context);
        },
      }),
    ),
    'does not change the messages it delivers',
    /wrote to the messages/,
  ],
  'writes to what was delivered': [
    plugin((host) =>
      host.interceptDelivery({
        create: () => (context, next) =>
          next(context).pipe(
            tap(() => {
              for (const { properties } of context.messages) (properties as Record<string, string>).seen = 'yes';
            }),
          ),
      }),
    ),
    'does not change the messages it delivers',
    /wrote to the messages/,
  ],
  'leaves a promise that rejects': [
    plugin((host) => host.onSettled((async () => Promise.reject(new Error('later'))) as () => never)),
    'passes the result of a send on untouched',
    /later/,
  ],
  'goes on after a send was cancelled': [
    sending((context, next) => {
      const reminder = setInterval(() => {}, 60_000).unref();
      return settled(next(context), { value: () => clearInterval(reminder) });
    }),
    'leaves no timer behind',
    /setInterval/,
  ],
  'leaves a timer of the client': [
    plugin((host) => {
      const tick = (): void => void host.clock.setTimer(1_000, tick);
      host.onStart(tick);
    }),
    'leaves no timer behind',
    /host\.clock/,
  ],
  'leaves a timer of the machine': [
    plugin((host) => host.onStart(() => void setInterval(() => {}, 60_000).unref())),
    'leaves no timer behind',
    /setInterval/,
  ],
  'vetoes what is sent oneway': [
    sending((context, next) => (context.send.mode === 'oneway' ? throwError(() => new Error('no')) : next(context))),
    'lets a send, a oneway send and a batch through',
    /no/,
  ],
  'thinks that it is alone': [
    () => {
      let clients = 0;
      const one: Plugin = {
        name: 'under test',
        setup: () => {
          if (++clients > 1) throw new Error('there is one already');
        },
      };
      alone ??= one;
      return alone;
    },
    'serves several clients at once',
    /there is one already/,
  ],
  'keeps a reply to itself': [
    plugin((host) => host.interceptReply(() => new Promise(() => {}))),
    REPLY,
    /nothing went on until time went by, then: .*plugin under test did not hand on its reply/,
  ],
  'hands another reply on': [
    plugin((host) => host.interceptReply(async (reply) => ({ ...reply, body: Buffer.from('mine') }))),
    REPLY,
    /handed on other messages/,
  ],
  'writes to a reply': [
    plugin((host) =>
      host.interceptReply((reply) => {
        reply.body[0] = 0;
        return reply;
      }),
    ),
    REPLY,
    /wrote to the messages/,
  ],
  'cannot take a reply': [plugin((host) => host.interceptReply((async () => {}) as never)), REPLY, /return the reply/],
  'keeps what is read to itself': [
    plugin((host) => host.interceptRead(() => new Promise(() => {}))),
    READ,
    /nothing went on until time went by, then: Plugin under test failed in interceptRead/,
  ],
  'hands another message on that is read': [
    plugin((host) => host.interceptRead((read) => ({ ...read, tag: 'mine' }))),
    READ,
    /handed on other messages/,
  ],
  'writes to what is read': [
    plugin((host) => host.interceptRead((read) => Object.assign(read, { topic: 'mine' }))),
    READ,
    /wrote to the messages/,
  ],
  'cannot read': [
    plugin((host) =>
      host.interceptRead(() => {
        throw new Error('it cannot read');
      }),
    ),
    READ,
    /under test failed in interceptRead: it cannot read/,
  ],
  'writes to what it hears of a transaction': [
    plugin((host) => host.onEndTransaction((context) => void Object.assign(context, { transactionState: 'commit' }))),
    TRANSACTION,
    /read only/,
  ],
  'writes to the message of a transaction': [
    plugin((host) => host.onEndTransaction(({ message }) => void (message.keys as string[]).push('mine'))),
    TRANSACTION,
    /not extensible/,
  ],
  'takes brokers for ones that say their name': [
    plugin((host) => host.onEndTransaction(({ brokerName }) => void brokerName!.toUpperCase())),
    TRANSACTION,
    /the client complained: .*toUpperCase/,
  ],
  'hears of a transaction by a promise that rejects': [
    plugin((host) => host.onEndTransaction((async () => Promise.reject(new Error('later'))) as () => never)),
    TRANSACTION,
    /later/,
  ],
  'refuses all messages': [
    plugin((host) => host.filterDelivery({ create: () => () => false })),
    'does not change the messages it delivers',
    /of 1 that came by at filter it handed 0 on/,
  ],
  'writes to what it filters': [
    plugin((host) =>
      host.filterDelivery({
        create: () => (message) => {
          (message.properties as Record<string, string>).seen = 'yes';
          return true;
        },
      }),
    ),
    'does not change the messages it delivers',
    /wrote to the messages/,
  ],
  'makes an answer of its own': [
    plugin((host) =>
      host.interceptRequest('decorate', (context, next) =>
        next(context).pipe(map((answer) => answer && { ...answer, ext: answer.ext, remark: 'mine' })),
      ),
    ),
    ANSWERS,
    /another answer/,
  ],
  'answers in place of the server': [
    plugin((host) =>
      host.interceptRequest('decorate', (context, next) =>
        context.code === RequestCode.SEND_MESSAGE_V2 ? of(REFUSAL) : next(context),
      ),
    ),
    ANSWERS,
    /of \d+ requests it handed 0 on/,
  ],
  'makes an error of its own of a request that failed': [
    plugin((host) =>
      host.interceptRequest('decorate', (context, next) =>
        next(context).pipe(catchError(() => throwError(() => new Error('mine')))),
      ),
    ),
    ANSWERS,
    /in the place of the error of a request/,
  ],
  'leaves a timer for each reply': [
    plugin((host) =>
      host.interceptReply((reply) => {
        setInterval(() => {}, 60_000).unref();
        return reply;
      }),
    ),
    'leaves no timer behind',
    /setInterval/,
  ],
  'cannot stop': [
    plugin((host) =>
      host.onStop(() => {
        throw new Error('it does not stop');
      }),
    ),
    'survives a close while sends are under way, and a second close',
    /it does not stop/,
  ],
};

describe.each(Object.entries(BREAKS_A_RULE))('a plugin that %s', (_what, [make, name, says]) => {
  test(`fails: ${name}`, async () => {
    const check = pluginConformance(make).find((one) => one.name === name);
    await expect(check?.run()).rejects.toThrow(says);
  });
});

test('what a plugin claims to change is not held against it', async () => {
  const [make, name] = BREAKS_A_RULE['makes a result of its own']!;
  const check = pluginConformance(make, { changes: ['result'] }).find((one) => one.name === name);
  await expect(check?.run()).resolves.toBeUndefined();
});

test('what is no option, and no claim, is refused', () => {
  const make = plugin(() => {});
  const invalid = (option: string) => expect.objectContaining({ code: 'RMQ_OPTIONS_INVALID', option });
  expect(() => pluginConformance(make, { chnages: ['result'] } as never)).toThrow(invalid('chnages'));
  expect(() => pluginConformance(make, { changes: ['results' as 'result'] })).toThrow(invalid('changes'));
});

test('a function that makes no plugin is told so', async () => {
  const [check] = pluginConformance((() => undefined) as never);
  await expect(check?.run()).rejects.toMatchObject({ code: 'RMQ_OPTIONS_INVALID', option: 'make' });
});

test('a plugin instead of a function that makes one is refused', () => {
  expect(() => pluginConformance(forbidden({ rules: [] }) as never)).toThrow('a function that makes a fresh plugin');
});
