import type { MessageQueue } from '../message/message.js';
import { expectSuccess } from '../remoting/expect-success.js';
import { requiredInt64 } from '../remoting/protocol/ext-fields.js';
import type { ExtInput } from '../remoting/protocol/remoting-command.js';
import { RequestCode } from '../remoting/protocol/request-codes.js';
import type { AdminServices, CallLimits } from './admin-services.js';
import { invoke, untilAborted } from './limits.js';

/** Where a queue begins and ends, by offset and by time: one question to its broker each. */
export class QueueOffsets {
  readonly #services: AdminServices;

  constructor(services: AdminServices) {
    this.#services = services;
  }

  max(queue: MessageQueue, limits: CallLimits): Promise<number> {
    return this.#ask(queue, RequestCode.GET_MAX_OFFSET, {}, 'offset', limits);
  }

  min(queue: MessageQueue, limits: CallLimits): Promise<number> {
    return this.#ask(queue, RequestCode.GET_MIN_OFFSET, {}, 'offset', limits);
  }

  atTime(
    queue: MessageQueue,
    timestamp: number,
    boundary: 'lower' | 'upper' | undefined,
    limits: CallLimits,
  ): Promise<number> {
    const ext = { timestamp, boundaryType: boundary?.toUpperCase() };
    return this.#ask(queue, RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, ext, 'offset', limits);
  }

  /** A broker says -1 for a queue without messages. */
  async earliestStoreTime(queue: MessageQueue, limits: CallLimits): Promise<number | undefined> {
    const timestamp = await this.#ask(queue, RequestCode.GET_EARLIEST_MSG_STORETIME, {}, 'timestamp', limits);
    return timestamp < 0 ? undefined : timestamp;
  }

  async #ask(
    { topic, brokerName, queueId }: MessageQueue,
    code: number,
    ext: ExtInput,
    field: string,
    limits: CallLimits,
  ): Promise<number> {
    const { routes, names } = this.#services;
    const wire = names.topicToWire(topic);
    const address =
      routes.brokerAddress(brokerName) ??
      (await untilAborted(limits.signal, () => routes.loadBrokerAddress(brokerName, wire)));
    const request = { code, ext: { topic: wire, queueId, ...ext, bname: brokerName } };
    const response = await invoke(this.#services, address, request, limits);
    return requiredInt64(expectSuccess(response, { broker: brokerName, address }), field);
  }
}
