import { integerMember, integerOf, listMember, objectOf, parseBody } from '../../../remoting/protocol/body-fields.js';
import { type DelayOffsetTable, decodeDelayOffsetTable } from '../../../remoting/protocol/delay-offset-table.js';
import type { Logger } from '../../../runtime/logger.js';
import { ConfigFile, type ConfigStore } from '../settings/config-file.js';
import type { TimerProgress } from './timer-wheel.js';

/** How far delayed messages have come. */
export interface DelayProgress {
  /** Level to the queue offset of its first message that was not delivered. */
  readonly offsets: DelayOffsetTable;
  /** What only we note down; undefined when an Apache broker wrote the file since. */
  readonly ours: OwnDelayProgress | undefined;
}

export interface OwnDelayProgress {
  /** What was delivered and is not in these numbers has its record behind this position of the commit log. */
  readonly scanFrom: number;
  /** Undefined before the first notes. */
  readonly timers: TimerProgress | undefined;
}

const MEMBER = 'multistage';
const NOTHING_NOTED: OwnDelayProgress = { scanFrom: 0, timers: undefined };

/**
 * `config/delayOffset.json`, Apache's, with a member of ours beside its `offsetTable`. Apache's brokers pass over it, and
 * leave it out when they write the file: so we know whether one of them went on in between.
 */
export class DelayProgressFile {
  readonly #file: ConfigFile<DelayProgress>;
  #content: object = {};

  constructor(store: ConfigStore, logger: Logger) {
    const format = { name: 'delayOffset.json', content: () => this.#content, decode };
    this.#file = new ConfigFile(store, format, logger);
  }

  /** Where nothing was noted yet, notes that are true of every log. */
  async load(): Promise<DelayProgress> {
    return (await this.#file.load()) ?? { offsets: new Map(), ours: NOTHING_NOTED };
  }

  /** Resolves when it is on the disk, or when that failed and was logged. */
  async save({ offsets, ours }: DelayProgress): Promise<void> {
    this.#content = { offsetTable: offsets, [MEMBER]: ours };
    await this.#file.changed();
  }
}

function decode(text: string): DelayProgress {
  const member = parseBody(text, 'delayOffset.json')[MEMBER];
  return {
    offsets: decodeDelayOffsetTable(text),
    ours: member === undefined || member === null ? undefined : decodeOwn(member),
  };
}

function decodeOwn(value: unknown): OwnDelayProgress {
  const own = objectOf(value, MEMBER);
  const timers = objectOf(own.timers, `${MEMBER}.timers`);
  return {
    scanFrom: integerMember(own, 'scanFrom', MEMBER),
    timers: {
      queueOffset: integerMember(timers, 'queueOffset', 'timers'),
      epochs: listMember(timers, 'epochs', 'timers', (element, name) => {
        const epoch = objectOf(element, name);
        return {
          from: integerMember(epoch, 'from', name),
          to: integerMember(epoch, 'to', name),
          readMs: integerMember(epoch, 'readMs', name),
        };
      }),
      late: listMember(timers, 'late', 'timers', integerOf),
    },
  };
}
