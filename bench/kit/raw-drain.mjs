/**
 * The yardstick of bench/drain: what can be read from our server when nothing is done with it. A socket, for each queue one
 * pull in flight of as many messages as consumers ask for, frames cut and records decoded by our own decoders, and counted.
 * No route, no rebalance, no process queue, no handler, no offsets.
 */
import { connect } from 'node:net';

const BATCH = 32;
/** PullSysFlag.SUBSCRIPTION: the broker is told what is wanted, and need not know the group's members. */
const SYS_FLAG = 4;
const PULL_MESSAGE = 11;

/**
 * @param {URL} dist folder of the built package
 * @param {{ brokerAddress: string, group: string, topic: string, queues: number, messages: number }} load `group` is known
 * @returns {Promise<number>} messages a second, from the first answer to the last message
 */
export async function rawDrain(dist, { brokerAddress, group, topic, queues, messages }) {
  const load = (path) => import(new URL(path, dist).href);
  const { FrameDecoder } = await load('core/remoting/protocol/frame-decoder.js');
  const { encodeFrame } = await load('core/remoting/protocol/frame-encoder.js');
  const { readRecords } = await load('core/message/message-record.js');
  const [host, port] = brokerAddress.split(':');
  const socket = connect({ host, port: Number(port), noDelay: true });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const pull = (queueId, queueOffset) => {
    const ext = { consumerGroup: group, topic, queueId, queueOffset, maxMsgNums: BATCH, sysFlag: SYS_FLAG };
    Object.assign(ext, { commitOffset: 0, suspendTimeoutMillis: 0, subscription: '*', subVersion: 0 });
    socket.write(encodeFrame({ code: PULL_MESSAGE, ext, opaque: queueId, flag: 0 }, 0, 0));
  };
  try {
    return await new Promise((resolve, reject) => {
      let left = messages;
      let startedMs;
      const decoder = new FrameDecoder({
        onCommand: (answer) => {
          startedMs ??= performance.now();
          if (answer.code !== 0) {
            if (answer.code !== 19) reject(new Error(`the broker answers ${answer.code}: ${answer.remark}`));
            return;
          }
          left -= readRecords(Buffer.from(answer.body)).length;
          if (left > 0) pull(answer.opaque, Number(answer.ext.nextBeginOffset));
          else resolve((messages * 1_000) / (performance.now() - startedMs));
        },
      });
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        socket.cork();
        decoder.push(chunk);
        socket.uncork();
      });
      for (let queueId = 0; queueId < queues; queueId++) pull(queueId, 0);
    });
  } finally {
    socket.destroy();
  }
}
