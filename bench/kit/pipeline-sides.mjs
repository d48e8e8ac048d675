import { map, mergeMap, Subject, tap } from 'rxjs';

/**
 * The sides of bench/pipeline: each opens a fresh sender on a fake transport.
 * @param {URL} dist folder of the built package
 * @returns {Promise<Record<string, () => Promise<{ send(): Promise<unknown>, close(): Promise<void> }>>>} some open at once
 */
export async function pipelineSides(dist) {
  const load = (path) => import(new URL(path, dist).href);
  const { createUniqueIdGenerator } = await load('core/message/message-ids.js');
  const { systemClock } = await load('core/runtime/system-clock.js');
  const { DeadlineHeap } = await load('core/runtime/deadline-heap.js');
  const { silentLogger } = await load('core/runtime/logger.js');
  const { plainResourceNames } = await load('core/message/resource-names.js');
  const { zlibCompressor } = await load('core/message/compression/zlib.js');
  const { noFaultStrategy } = await load('core/pipeline/fault-strategy.js');
  const { sendStageBindings } = await load('core/pipeline/stages/index.js');
  const { sendRequest } = await load('core/pipeline/send-request.js');
  const { sendResultOf } = await load('core/pipeline/send-response.js');
  const { settled } = await load('core/pipeline/settled-step.js');
  const { ProducerScope } = await load('core/pipeline/tokens.js');
  const { createProducer } = await load('core/producer/create-producer.js');
  const tokens = {
    routes: (await load('core/routing/route-table.js')).RouteTable,
    remoting: (await load('core/remoting/remoting-client.js')).RemotingClient,
    names: (await load('core/message/resource-names.js')).ResourceNames,
    membership: (await load('core/routing/membership.js')).Membership,
    clock: (await load('core/runtime/clock.js')).Clock,
    compressor: (await load('core/message/compression/compressor.js')).Compressor,
    faults: (await load('core/pipeline/fault-strategy.js')).FaultStrategy,
  };
  const { Container } = await import('inversify');

  const message = { topic: 'orders', body: Buffer.alloc(1_024, 'x'), tag: 'created', keys: '42' };
  const queues = [0, 1, 2, 3].map((queueId) => ({ topic: 'orders', brokerName: 'broker-a', queueId }));
  const info = { topic: 'orders', queues, order: false, autoCreate: false };
  const routes = {
    publishInfo: () => info,
    loadPublishInfo: () => Promise.resolve(info),
    brokerAddress: () => '127.0.0.1:10911',
    loadBrokerAddress: () => Promise.resolve('127.0.0.1:10911'),
  };

  const membership = {
    joinProducer: () => {},
    leave: () => Promise.resolve(),
    heartbeat: () => Promise.resolve(),
    brokerVersion: () => 407,
  };

  const direct = () => {
    const remoting = fakeTransport();
    const ids = createUniqueIdGenerator(systemClock);
    let turn = 0;
    const send = () =>
      new Promise((resolve, reject) => {
        const queue = queues[turn++ & 3];
        const msgId = ids.next();
        const payload = { body: message.body, sysFlag: 0 };
        const header = {
          group: 'bench',
          topic: 'orders',
          createTopicKey: 'TBW102',
          defaultTopicQueueNums: 4,
          brokerName: queue.brokerName,
          queueId: queue.queueId,
          bornTimestamp: systemClock.now(),
          unitMode: false,
          msgId,
          system: undefined,
        };
        remoting.start(
          '127.0.0.1:10911',
          sendRequest(header, message, payload),
          { timeoutMs: 3_000, oneway: false },
          {
            onResponse: (response) => resolve(sendResultOf(response, 'SEND_OK', msgId, queue, 1)),
            onFailure: reject,
          },
        );
      });
    return { send, close: async () => {} };
  };

  const engine =
    (plugins, prepare = () => {}) =>
    async () => {
      const remoting = fakeTransport();
      const container = new Container();
      container.bind(tokens.routes).toConstantValue(routes);
      container.bind(tokens.remoting).toConstantValue(remoting);
      container.bind(tokens.membership).toConstantValue(membership);
      container.bind(tokens.names).toConstantValue(plainResourceNames);
      container.bind(tokens.clock).toConstantValue(systemClock);
      container.bind(tokens.compressor).toConstantValue(zlibCompressor);
      container.bind(tokens.faults).toConstantValue(noFaultStrategy);
      const producer = createProducer(
        { group: 'bench' },
        {
          routes,
          remoting,
          membership,
          clock: systemClock,
          logger: silentLogger,
          deadlines: new DeadlineHeap(systemClock),
          names: plainResourceNames,
          ids: createUniqueIdGenerator(systemClock),
          attachments: plugins.map((create, index) => ({
            plugin: `plugin-${index}`,
            beforeStage: 'select',
            order: undefined,
            create: () => create,
          })),
          settledListeners: [],
          openScope: (scope) => {
            container.bind(ProducerScope).toConstantValue(scope);
            for (const [stage, type] of sendStageBindings) container.bind(stage).to(type).inTransientScope();
            return (part) => container.get(part);
          },
        },
      );
      await producer.start();
      prepare(producer);
      return { send: () => producer.send(message), close: () => producer.close() };
    };

  /** The six stages as the literal pipe: no retry, no deadline, no misuse checks; one error would end it for everybody. */
  const literal = () => {
    const remoting = fakeTransport();
    const ids = createUniqueIdGenerator(systemClock);
    let turn = 0;
    const sends = new Subject();
    const subscription = sends
      .pipe(
        map((send) => ({ ...send, msgId: ids.next() })),
        map((send) => ({ ...send, info: routes.publishInfo() })),
        map((send) => ({ ...send, queue: send.info.queues[turn++ & 3] })),
        map((send) => ({ ...send, payload: { body: send.message.body, sysFlag: 0 } })),
        mergeMap(
          (send) =>
            new Promise((resolve, reject) => {
              const { queue, msgId } = send;
              const header = {
                group: 'bench',
                topic: 'orders',
                createTopicKey: 'TBW102',
                defaultTopicQueueNums: 4,
                brokerName: queue.brokerName,
                queueId: queue.queueId,
                bornTimestamp: systemClock.now(),
                unitMode: false,
                msgId,
                system: undefined,
              };
              const request = sendRequest(header, send.message, send.payload);
              const observer = { onResponse: (response) => resolve({ send, response }), onFailure: reject };
              remoting.start('127.0.0.1:10911', request, { timeoutMs: 3_000, oneway: false }, observer);
            }),
        ),
        tap(({ send, response }) => send.resolve(sendResultOf(response, 'SEND_OK', send.msgId, send.queue, 1))),
      )
      .subscribe();
    return {
      send: () => new Promise((resolve) => sends.next({ message, resolve })),
      close: async () => subscription.unsubscribe(),
    };
  };

  const plain = (context, next) => next(context);
  return {
    direct,
    'six stages, no plugin': engine([]),
    'six stages, one plain interceptor': engine([plain]),
    'six stages, one settled()': engine([(context, next) => settled(next(context), { value: () => {} })]),
    'six stages, one pipe(tap)': engine([(context, next) => next(context).pipe(tap(() => {}))]),
    'six stages, an events$ listener': engine([], (producer) => producer.pipeline.events$.subscribe(() => {})),
    'Subject.pipe(six operators)': literal,
  };
}

/** Answers everything that was started in a turn of the event loop in the next one. */
function fakeTransport() {
  const ext = Object.assign(Object.create(null), {
    msgId: '0A0000010000277D0000000000000040',
    queueId: '0',
    queueOffset: '7',
    MSG_REGION: 'DefaultRegion',
    TRACE_ON: 'true',
  });
  const response = { code: 0, ext, remark: undefined, flag: 1 };
  let observers = [];
  const answer = () => {
    const all = observers;
    observers = [];
    for (const observer of all) observer.onResponse(response);
  };
  const pending = { sent: 'maybe', cancel: () => 'maybe' };
  return {
    start(_address, _request, _options, observer) {
      if (observers.length === 0) setImmediate(answer);
      observers.push(observer);
      return pending;
    },
  };
}
