/** docs/reference/options.md lists exactly the options that the types have, and what Java's settings became. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const url = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const read = (path: string): string => readFileSync(url(path), 'utf8');

/** Names of an interface's own properties, read from its source. */
function optionsOf(file: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(read(file))?.[1] ?? '';
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option as string);
}

/** The cells of the tables below a heading. */
function rowsOf(heading: string): string[][] {
  const section = read('docs/reference/options.md').split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| (`\w+` \|.*) \|$/gm)].map(([, cells]) => (cells as string).split(' | '));
}

const documented = (heading: string): string[] => rowsOf(heading).map(([name]) => (name as string).replace(/`/g, ''));

const TABLES = [
  ['connect', 'core/client/connect-options.ts', 'ConnectOptions'],
  ['mq.producer', 'core/producer/options.ts', 'ProducerOptions'],
  ['transactions.producer', 'plugins/transaction/transaction-producer.ts', 'TransactionProducerOptions'],
  ['mq.producer, latencyFault', 'core/routing/latency-fault/latency-fault-options.ts', 'LatencyFaultOptions'],
  ['producer.send', 'core/producer/producer.ts', 'SendOptions'],
  ['message', 'core/message/message.ts', 'OutgoingMessage'],
  ['mq.consumer', 'core/consumer/options/consumer-options.ts', 'ConsumerOptions'],
  ['on', 'core/consumer/delivery/handler-policies.ts', 'HandlerPolicies'],
  ['consumer.messages', 'core/consumer/shapes/message-iterator.ts', 'IterationOptions'],
  ['mq.litePullConsumer', 'core/consumer/pull/lite-pull-options.ts', 'LitePullConsumerOptions'],
  ['litePull.poll', 'core/consumer/pull/lite-pull-consumer.ts', 'PollOptions'],
  ['mq.pullConsumer', 'core/consumer/pull/pull-options.ts', 'PullConsumerOptions'],
  ['pull.pull', 'core/consumer/pull/pull-consumer.ts', 'PullOptions'],
  ['close', 'core/consumer/consumer.ts', 'CloseOptions'],
  ['startServer, embedded', 'core/server/server-options.ts', 'ServerOptions'],
  ['startServer, store', 'core/server/store/store-options.ts', 'StoreOptions'],
] as const;

describe('the option reference', () => {
  test.each(TABLES)('lists the options of %s in their order', (heading, file, name) => {
    const options = optionsOf(file, name);
    expect(options.length).toBeGreaterThan(1);
    expect(documented(heading)).toEqual(options);
  });
});

/** What Apache's classes can be told: their setters, and what only their constructors take. Those of 5.5.0 alone apart. */
const JAVA = {
  ClientConfig: {
    '4.9': `accessChannel clientCallbackExecutorThreads clientIP enableStreamRequestType heartbeatBrokerInterval instanceName
      language mqClientApiTimeout namespace namesrvAddr persistConsumerOffsetInterval pollNameServerInterval
      pullTimeDelayMillsWhenException unitMode unitName useTLS vipChannelEnabled`,
    '5.x': `concurrentHeartbeatThreadPoolSize decodeDecompressBody decodeReadBody detectInterval detectTimeout
      enableConcurrentHeartbeat enableHeartbeatChannelEventListener enableTrace maxPageSizeInGetMetadata namespaceV2
      sendLatencyEnable socksProxyConfig startDetectorEnable traceMsgBatchNum traceTopic useHeartbeatV2`,
  },
  TransactionMQProducer: {
    '4.9': `checkRequestHoldMax checkThreadPoolMaxSize checkThreadPoolMinSize executorService transactionCheckListener
      transactionListener`,
  },
  DefaultMQPushConsumer: {
    '4.9': `adjustThreadPoolNumsThreshold allocateMessageQueueStrategy awaitTerminationMillisWhenShutdown
      consumeConcurrentlyMaxSpan consumeFromWhere consumeMessageBatchMaxSize consumeThreadMax consumeThreadMin consumeTimeout
      consumeTimestamp consumerGroup customizedTraceTopic enableMsgTrace maxReconsumeTimes messageListener messageModel
      offsetStore postSubscriptionWhenPull pullBatchSize pullInterval pullThresholdForQueue pullThresholdForTopic
      pullThresholdSizeForQueue pullThresholdSizeForTopic rpcHook subscription suspendCurrentQueueTimeMillis unitMode useTLS`,
    '5.x': `clientRebalance messageQueueListener popBatchNums popInvisibleTime popThresholdForQueue pullBatchSizeInBytes`,
  },
  DefaultLitePullConsumer: {
    '4.9': `allocateMessageQueueStrategy autoCommit autoCommitIntervalMillis connectBrokerByUser consumeFromWhere
      consumeMaxSpan consumeTimestamp consumerGroup consumerPullTimeoutMillis consumerTimeoutMillisWhenSuspend
      customizedTraceTopic defaultBrokerId enableMsgTrace messageModel messageQueueListener offsetStore pollTimeoutMillis
      pullBatchSize pullThreadNums pullThresholdForAll pullThresholdForQueue pullThresholdSizeForQueue rpcHook
      subExpressionForAssign topicMetadataCheckIntervalMillis unitMode`,
  },
  DefaultMQPullConsumer: {
    '4.9': `allocateMessageQueueStrategy brokerSuspendMaxTimeMillis consumerGroup consumerPullTimeoutMillis
      consumerTimeoutMillisWhenSuspend maxReconsumeTimes messageModel messageQueueListener offsetStore registerTopics rpcHook
      unitMode`,
    '5.x': 'enableRebalance',
  },
  DefaultMQProducer: {
    '4.9': `asyncSenderExecutor callbackExecutor compressMsgBodyOverHowmuch createTopicKey customizedTraceTopic
      defaultTopicQueueNums enableMsgTrace latencyMax maxMessageSize notAvailableDuration producerGroup
      retryAnotherBrokerWhenNotStoreOK retryResponseCode retryTimesWhenSendAsyncFailed retryTimesWhenSendFailed rpcHook
      sendLatencyFaultEnable sendMessageWithVIPChannel sendMsgTimeout`,
    '5.x': `autoBatch backPressureForAsyncSendNum backPressureForAsyncSendSize batchMaxBytes batchMaxDelayMs compressLevel
      compressType enableBackpressureForAsyncMode sendMsgMaxTimeoutPerRequest topics totalBatchMaxBytes`,
  },
} as const;

const OURS: Readonly<Record<string, readonly string[]>> = {
  connect: optionsOf('core/client/connect-options.ts', 'ConnectOptions'),
  producer: optionsOf('core/producer/options.ts', 'ProducerOptions'),
  send: optionsOf('core/producer/producer.ts', 'SendOptions'),
  transaction: optionsOf('plugins/transaction/transaction-producer.ts', 'TransactionProducerOptions'),
  consumer: optionsOf('core/consumer/options/consumer-options.ts', 'ConsumerOptions'),
  litePull: optionsOf('core/consumer/pull/lite-pull-options.ts', 'LitePullConsumerOptions'),
  pull: optionsOf('core/consumer/pull/pull-options.ts', 'PullConsumerOptions'),
  message: optionsOf('core/message/message.ts', 'OutgoingMessage'),
  close: optionsOf('core/consumer/consumer.ts', 'CloseOptions'),
};

describe.each(Object.entries(JAVA))('the settings of Java’s %s', (name, settings) => {
  const rows = rowsOf(`Java's ${name}`);

  test.each(Object.entries(settings))('of %s are listed, each once', (since, names) => {
    const listed = rows.filter((row) => row[1] === since).map(([setting]) => (setting as string).replace(/`/g, ''));
    expect(listed.sort()).toEqual(names.split(/\s+/).sort());
  });

  test('have their place here: an option that there is, a plugin that there is, or a reason', () => {
    for (const [setting, , here = ''] of rows) {
      const options = [...here.matchAll(/`(\w+)\.(\w+)`/g)];
      const plugins = [...here.matchAll(/\]\(\.\.\/\.\.\/(plugins\/[^)]+)\)/g)];
      const isPlaced = options.length + plugins.length > 0 || /^–: \S/.test(here);
      expect(isPlaced, `${setting}: ${here}`).toBe(true);
      for (const [mention, scope = '', option] of options)
        expect(OURS[scope], `${setting}: ${mention}`).toContain(option);
      for (const [, path = ''] of plugins) expect(existsSync(url(path)), path).toBe(true);
    }
  });
});
