import type { RocketMQError } from '../../../core/errors/rocketmq-error.js';
import { encodeHost } from '../../../core/message/host.js';
import { readRecord, recordSize, writeRecord } from '../../../core/message/message-record.js';
import { decodeProperties, encodeProperties } from '../../../core/message/properties.js';
import { parseJsonDialect } from '../../../core/remoting/protocol/json-dialect.js';
import type { RemotingCommand } from '../../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../../core/remoting/protocol/response-codes.js';
import type { Clock } from '../../../core/runtime/clock.js';
import { answerOf, type FakeBroker, type FakeMessage, type FakeRequest } from './fake-broker.js';

type Respond = (answer: RemotingCommand | RocketMQError) => void;

interface Popped {
  readonly record: Buffer;
  readonly topic: string;
  readonly group: string;
  readonly reconsumeTimes: number;
  readonly untilMs: number;
}

interface Held {
  readonly request: FakeRequest;
  readonly respond: Respond;
}

/** The pop side of a fake broker: gives out, hides, takes acknowledgements, and gives out again what nothing was said of. */
export class FakePop {
  /** What consumers hold, by receipt. */
  readonly invisible = new Map<string, Popped>();
  /** Acknowledgements and changes with receipts that count no longer. */
  expired = 0;
  knowsBatches = true;
  readonly #broker: FakeBroker;
  readonly #clock: Clock;
  readonly #next = new Map<string, number>();
  /** What comes again, of all groups. */
  #again: Popped[] = [];
  #againOffset = 0;
  #held: Held[] = [];

  constructor(broker: FakeBroker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
    broker.extension = (request, respond) => this.#handle(request, respond);
  }

  put(topic: string, queueId: number, message: FakeMessage = {}): void {
    this.#broker.put(topic, queueId, message);
    this.#wake();
  }

  get heldPops(): number {
    return this.#held.length;
  }

  /** Requests of a code, as they came. */
  requests(code: number): readonly Readonly<Record<string, string>>[] {
    return this.#broker.requests.filter(({ command }) => command.code === code).map(({ ext }) => ext);
  }

  #handle(request: FakeRequest, respond: Respond): boolean {
    const { ext, command } = request;
    switch (command.code) {
      case RequestCode.POP_MESSAGE: {
        const isLate = this.#clock.now() - Number(ext.bornTime) - Number(ext.pollTime) > 500;
        const answer = isLate ? answerOf(ResponseCode.POLLING_TIMEOUT) : this.#pop(request);
        if (answer !== undefined) respond(answer);
        else this.#hold({ request, respond }, Number(ext.pollTime));
        return true;
      }
      case RequestCode.ACK_MESSAGE:
        if (!this.invisible.delete(ext.extraInfo ?? '')) this.expired++;
        respond(answerOf(0));
        return true;
      case RequestCode.BATCH_ACK_MESSAGE:
        respond(this.#acknowledgeAll(command.body as Buffer));
        return true;
      case RequestCode.CHANGE_MESSAGE_INVISIBLETIME:
        respond(this.#change(ext));
        return true;
      default:
        return false;
    }
  }

  #hold(held: Held, pollTimeMs: number): void {
    this.#held.push(held);
    this.#clock.setTimer(pollTimeMs, () => {
      if (!this.#held.includes(held)) return;
      this.#held = this.#held.filter((one) => one !== held);
      held.respond(answerOf(ResponseCode.POLLING_TIMEOUT, { popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: 0 }));
    });
  }

  #wake(): void {
    for (const held of [...this.#held]) {
      const answer = this.#pop(held.request);
      if (answer === undefined) continue;
      this.#held = this.#held.filter((one) => one !== held);
      held.respond(answer);
    }
  }

  #pop({ ext }: FakeRequest): RemotingCommand | undefined {
    const { consumerGroup: group = '', topic = '' } = ext;
    const [popTime, invisibleTime, max] = [this.#clock.now(), Number(ext.invisibleTime), Number(ext.maxMsgNums)];
    const untilMs = this.#clock.monotonic() + invisibleTime;
    const mine = this.#again.filter((one) => one.topic === topic && one.group === group).slice(0, max);
    this.#again = this.#again.filter((one) => !mine.includes(one));
    const bodies: Buffer[] = [];
    const startOffsets: string[] = [];
    for (const one of mine) {
      const queueOffset = this.#againOffset++;
      const receipt = `${queueOffset} ${popTime} ${invisibleTime} 0 1 broker-a 0 ${queueOffset}`;
      const record = rewritten(one, queueOffset, receipt);
      bodies.push(record);
      this.#hide(receipt, { ...one, record, untilMs });
    }
    let rest = 0;
    for (const { queueId } of this.#broker.queuesOf(topic) ?? []) {
      const key = `${group} ${topic} ${queueId}`;
      const from = this.#next.get(key) ?? 0;
      const records = this.#broker.recordsOf(topic, queueId);
      const found = records.slice(from, from + max - bodies.length);
      this.#next.set(key, from + found.length);
      rest += records.length - from - found.length;
      if (found.length > 0) startOffsets.push(`0 ${queueId} ${from}`);
      for (const [index, record] of found.entries()) {
        bodies.push(record);
        const receipt = `${from} ${popTime} ${invisibleTime} 0 0 broker-a ${queueId} ${from + index}`;
        this.#hide(receipt, { record, topic, group, reconsumeTimes: 0, untilMs });
      }
    }
    if (bodies.length === 0) return undefined;
    const facts = { popTime, invisibleTime, reviveQid: 0, restNum: rest, startOffsetInfo: startOffsets.join(';') };
    return { ...answerOf(0, facts), body: Buffer.concat(bodies) };
  }

  #hide(receipt: string, popped: Popped): void {
    this.invisible.set(receipt, popped);
    this.#clock.setTimer(popped.untilMs - this.#clock.monotonic(), () => {
      if (this.invisible.get(receipt) !== popped) return;
      this.invisible.delete(receipt);
      this.#again.push({ ...popped, reconsumeTimes: popped.reconsumeTimes + 1 });
      this.#wake();
    });
  }

  #change({ extraInfo = '', invisibleTime }: Readonly<Record<string, string>>): RemotingCommand {
    const popTime = this.#clock.now();
    const popped = this.invisible.get(extraInfo);
    if (popped === undefined) this.expired++;
    else {
      this.invisible.delete(extraInfo);
      const [, , , reviveQueueId, origin, broker, queueId, offset] = extraInfo.split(' ');
      const receipt = [offset, popTime, invisibleTime, reviveQueueId, origin, broker, queueId, offset].join(' ');
      this.#hide(receipt, { ...popped, untilMs: this.#clock.monotonic() + Number(invisibleTime) });
    }
    return answerOf(0, { popTime, invisibleTime: Number(invisibleTime), reviveQid: 0 });
  }

  #acknowledgeAll(body: Buffer): RemotingCommand {
    if (!this.knowsBatches) return answerOf(3, {}, 'request type 200151 not supported');
    const { acks } = parseJsonDialect(body) as { acks: Record<string, string | number>[] };
    for (const { r, so, q, rq, pt, it, b } of acks) {
      for (const [at, byte] of Buffer.from(String(b), 'base64').entries()) {
        for (let bit = 0; bit < 8; bit++) {
          if ((byte & (1 << bit)) === 0) continue;
          const receipt = `${so} ${pt} ${it} ${rq} ${r} broker-a ${q} ${Number(so) + at * 8 + bit}`;
          if (!this.invisible.delete(receipt)) this.expired++;
        }
      }
    }
    return answerOf(0);
  }
}

/** As brokers give out what comes again: under the topic that it was sent to, with its receipt. */
function rewritten({ record, topic, reconsumeTimes }: Popped, queueOffset: number, receipt: string): Buffer {
  const { properties, bornHost, storeHost, ...before } = readRecord(record, 0);
  const fields = {
    ...before,
    queueId: 0,
    queueOffset,
    reconsumeTimes,
    topic: Buffer.from(topic),
    bornHost: encodeHost(bornHost),
    storeHost: encodeHost(storeHost),
    properties: encodeProperties({ ...decodeProperties(properties), POP_CK: receipt }),
  };
  const written = Buffer.alloc(recordSize(fields));
  writeRecord(written, 0, fields);
  return written;
}
