import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { connect, eachMessage } from 'multistage';
import { embedded } from 'multistage/server';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Brokers and their disks see ciphertext; producers and consumers of this client, with the key, see what was sent. */
function encryption({ keys, current }) {
  /** The sealed body is: nonce, tag, ciphertext. */
  const seal = (message) => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', keys[current], nonce);
    const text = Buffer.concat([cipher.update(message.body), cipher.final()]);
    const body = Buffer.concat([nonce, cipher.getAuthTag(), text]);
    return { ...message, body, properties: { ...message.properties, sealedWith: current } };
  };
  /** Whatever was not sealed passes; what was changed on its way throws. */
  const open = (message) => {
    const key = keys[message.properties.sealedWith];
    if (message.properties.sealedWith === undefined) return message;
    if (key === undefined) throw new Error(`there is no key ${message.properties.sealedWith}`);
    const decipher = createDecipheriv('aes-256-gcm', key, message.body.subarray(0, NONCE_BYTES));
    decipher.setAuthTag(message.body.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const text = message.body.subarray(NONCE_BYTES + TAG_BYTES);
    return { ...message, body: Buffer.concat([decipher.update(text), decipher.final()]) };
  };
  return {
    name: 'encryption',
    setup(host) {
      // Before `select`, so that a retry sends the same ciphertext, and behind what looks at the message.
      host.interceptSend({
        before: 'select',
        create: () => (context, next) => next(context.with(eachMessage(context, seal))),
      });
      host.interceptDelivery({
        create: () => (context, next) => next(context.with({ messages: context.messages.map(open) })),
      });
      // A reply to `producer.request()` comes another way than through a consumer, and so does a message whose transaction is asked about.
      host.interceptReply((reply) => open(reply));
      host.interceptRead((message) => open(message));
    },
  };
}

const keys = { 'key-1': randomBytes(32), 'key-2': randomBytes(32) };
const cluster = embedded({ dir: './multistage-data' });
const read = async (mq, group, onMessage) => {
  const consumer = await mq.consumer({ group, subscribe: { salaries: '*' }, from: 'first' });
  return new Promise((resolve) => consumer.run(async (message) => resolve(await onMessage(message))));
};

const inside = await connect({ cluster, plugins: [encryption({ keys, current: 'key-2' })] });
const producer = await inside.producer({ group: 'payroll' });
const replying = read(inside, 'accounts', (message) => message.reply(`paid ${message.body}`));
const reply = await producer.request({ topic: 'salaries', body: 'ada: 4200' }, { timeoutMs: 10_000 });
await replying;
console.log(`inside: "${reply.body}"`);

const outside = await connect({ cluster });
const leaked = await read(outside, 'curious', (message) => message.body);
console.log(`outside: ${leaked.length} bytes, "ada" in them: ${leaked.includes('ada')}`);
await outside.close();
await inside.close();
