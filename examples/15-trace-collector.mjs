// Sends the trace of every message to a collector of one's own over HTTP, in place of RocketMQ's trace topic.
import { createServer } from 'node:http';
import { connect } from 'multistage';
import { TraceDispatcher, tracing } from 'multistage/plugins/tracing';
import { embedded } from 'multistage/server';

/** Posts trace records as JSON, many at once. What the collector does not take is lost, never a message. */
class HttpTraceDispatcher {
  lost = 0;
  #url;
  #records = [];
  #timer;
  #posting = Promise.resolve();

  constructor(url) {
    this.#url = url;
  }

  append(record) {
    if (this.#records.length >= 10_000) return false;
    this.#records.push(record);
    this.#timer ??= setTimeout(() => this.flush(), 200).unref();
    return true;
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const records = this.#records;
    this.#records = [];
    if (records.length > 0) this.#posting = this.#posting.then(() => this.#post(records));
    return this.#posting;
  }

  close() {
    return this.flush();
  }

  async #post(records) {
    try {
      const response = await fetch(this.#url, { method: 'POST', body: JSON.stringify(records) });
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
    } catch (error) {
      this.lost += records.length;
      console.error(error);
    }
  }
}

const collector = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  for (const { type, group, success, msgId } of JSON.parse(body)) console.log(type, group, success ?? '-', msgId);
  response.end();
});
await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));

const toCollector = {
  name: 'to-collector',
  setup(host) {
    const url = `http://127.0.0.1:${collector.address().port}/traces`;
    host.bind(TraceDispatcher, { value: new HttpTraceDispatcher(url) });
  },
};
const plugins = [tracing(), toCollector];
const mq = await connect({ cluster: embedded({ dir: './multistage-data' }), plugins });
const producer = await mq.producer({ group: 'shop' });
const consumer = await mq.consumer({ group: 'billing', subscribe: { orders: '*' }, from: 'first' });
await producer.send({ topic: 'orders', body: 'order 42', keys: ['42'] });
let onHandled;
const handled = new Promise((resolve) => {
  onHandled = resolve;
});
await consumer.run(async () => onHandled());
await handled;
await mq.close();
collector.close();
