import { inject, injectable } from 'inversify';
import { SystemTopic } from '../../../message/system-topics.js';
import { encodeKVTable } from '../../../remoting/protocol/kv-table.js';
import { RequestCode } from '../../../remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../remoting/protocol/response-codes.js';
import { OWN_VERSION } from '../../../remoting/protocol/version.js';
import type { OutgoingResponse } from '../../../remoting/remoting-server.js';
import { Clock } from '../../../runtime/clock.js';
import type { BrokerProcessor } from '../broker-processor.js';
import { DelayService } from '../delay/delay-service.js';
import { MessageStore } from '../message-store.js';
import { BrokerSettings } from '../settings/broker-settings.js';
import { BrokerCounters } from '../stats/broker-counters.js';

/**
 * GET_BROKER_RUNTIME_INFO: a table of texts, under the names that Apache's brokers use and mqadmin reads. Numbers of parts
 * that this broker has not (thread pools, a transient store pool) stand for "never busy".
 */
@injectable()
export class RuntimeInfoProcessor implements BrokerProcessor {
  readonly #settings: BrokerSettings;
  readonly #store: MessageStore;
  readonly #counters: BrokerCounters;
  readonly #delays: DelayService;
  readonly #clock: Clock;

  readonly handlers = {
    [RequestCode.GET_BROKER_RUNTIME_INFO]: (): OutgoingResponse => ({
      code: ResponseCode.SUCCESS,
      body: encodeKVTable(this.#table()),
    }),
    // Of 5.x: a master without slaves (Apache's HARuntimeInfo).
    [RequestCode.GET_BROKER_HA_STATUS]: (): OutgoingResponse => {
      const { commitLogMaxOffset: masterCommitLogMaxOffset } = this.#store.statistics;
      const status = { master: true, masterCommitLogMaxOffset, inSyncSlaveNums: 0, haConnectionInfo: [] };
      return { code: ResponseCode.SUCCESS, body: Buffer.from(JSON.stringify(status)) };
    },
  };

  constructor(
    @inject(BrokerSettings) settings: BrokerSettings,
    @inject(MessageStore) store: MessageStore,
    @inject(BrokerCounters) counters: BrokerCounters,
    @inject(DelayService) delays: DelayService,
    @inject(Clock) clock: Clock,
  ) {
    this.#delays = delays;
    this.#settings = settings;
    this.#store = store;
    this.#counters = counters;
    this.#clock = clock;
  }

  /** `delivered,stored` of each level that was used. */
  #scheduleOffsets(): Record<string, string> {
    const levels = [...this.#delays.offsets].map(([level, offset]): [string, string] => [
      `scheduleMessageOffset_${level}`,
      `${offset},${this.#store.maxOffset(SystemTopic.SCHEDULE, level - 1)}`,
    ]);
    return Object.fromEntries(levels);
  }

  #table(): ReadonlyMap<string, string> {
    const { bootTimestamp, midnights, messagesGot, put, found, miss, total, transferred } = this.#counters;
    const store = this.#store.statistics;
    const entries = {
      brokerVersionDesc: 'V4_9_7',
      brokerVersion: OWN_VERSION,
      bootTimestamp,
      runtime: humanDuration(this.#clock.now() - bootTimestamp),
      startAcceptSendRequestTimeStamp: this.#settings.startAcceptSendRequestTimeStamp,
      msgPutTotalYesterdayMorning: midnights.yesterday.put,
      msgPutTotalTodayMorning: midnights.today.put,
      msgPutTotalTodayNow: store.messagesPut,
      msgGetTotalYesterdayMorning: midnights.yesterday.got,
      msgGetTotalTodayMorning: midnights.today.got,
      msgGetTotalTodayNow: messagesGot,
      putTps: put,
      getFoundTps: found,
      getMissTps: miss,
      getTotalTps: total,
      getTransferedTps: transferred,
      // So spelled by 5.x.
      getTransferredTps: transferred,
      putMessageTimesTotal: store.messagesPut,
      putMessageFailedTimes: store.putFailures,
      putMessageSizeTotal: store.bytesPut,
      putMessageAverageSize: store.messagesPut === 0 ? 0 : store.bytesPut / store.messagesPut,
      commitLogMinOffset: store.commitLogMinOffset,
      commitLogMaxOffset: store.commitLogMaxOffset,
      remainHowManyDataToFlush: `${Math.max(0, store.commitLogMaxOffset - store.flushedOffset)} B`,
      earliestMessageTimeStamp: store.earliestStoreTimestamp,
      commitLogDiskRatio: store.diskUsedRatio,
      consumeQueueDiskRatio: store.diskUsedRatio,
      ...this.#scheduleOffsets(),
      ...NEVER_BUSY,
    };
    return new Map(Object.entries(entries).map(([name, value]) => [name, String(value)]));
  }
}

const NEVER_BUSY = {
  dispatchBehindBytes: 0,
  dispatchMaxBuffer: 0,
  pageCacheLockTimeMills: 0,
  putMessageDistributeTime: 'null',
  putMessageEntireTimeMax: 0,
  getMessageEntireTimeMax: 0,
  remainTransientStoreBufferNumbs: 2_147_483_647,
  sendThreadPoolQueueSize: 0,
  sendThreadPoolQueueCapacity: 10_000,
  sendThreadPoolQueueHeadWaitTimeMills: 0,
  pullThreadPoolQueueSize: 0,
  pullThreadPoolQueueCapacity: 100_000,
  pullThreadPoolQueueHeadWaitTimeMills: 0,
  queryThreadPoolQueueSize: 0,
  queryThreadPoolQueueCapacity: 20_000,
  queryThreadPoolQueueHeadWaitTimeMills: 0,
  EndTransactionQueueSize: 0,
  EndTransactionThreadPoolQueueCapacity: 100_000,
};

/** As Apache writes it: `[ 0 days, 0 hours, 1 minutes, 2 seconds ]`. */
function humanDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${seconds % 60} seconds ]`;
}
