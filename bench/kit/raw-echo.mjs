/**
 * The yardstick of every throughput bench: what Node's sockets can do when nothing is parsed, nothing stored and nothing
 * decided. A frame is a 4-byte length and a body; each side gathers the frames of a turn by cork and uncork. Server and
 * client live in this process, on one connection over loopback.
 */
import { connect, createServer } from 'node:net';

/**
 * @typedef {{ depth: number, bodyBytes: number, durationMs: number }} EchoLoad `depth` requests in flight
 * @typedef {{ requestsPerSecond: number, p50Ms: number, p99Ms: number }} EchoResult
 */

/** @param {EchoLoad} load @returns {Promise<EchoResult>} */
export async function rawCorkedEcho(load) {
  const server = createServer({ noDelay: true }, (socket) => {
    // The client goes away with requests in flight, which resets the connection.
    socket.on('error', () => socket.destroy());
    onFrames(socket, (frame) => socket.write(frame));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const socket = connect({ host: '127.0.0.1', port: server.address().port, noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  try {
    return await drive(socket, load);
  } finally {
    socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Rate and percentiles of a run; sorts the latencies in place. @returns {EchoResult} */
export function summarise(latenciesMs, elapsedMs) {
  latenciesMs.sort((a, b) => a - b);
  const at = (share) => latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? 0;
  return { requestsPerSecond: (latenciesMs.length / elapsedMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}

function drive(socket, { depth, bodyBytes, durationMs }) {
  const frame = Buffer.alloc(4 + bodyBytes, 'x');
  frame.writeUInt32BE(bodyBytes, 0);
  const startedMs = [];
  const latenciesMs = [];
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    const beginMs = performance.now();
    const endMs = beginMs + durationMs;
    let oldest = 0;
    let ended = false;
    const send = () => {
      startedMs.push(performance.now());
      socket.write(frame);
    };
    onFrames(socket, () => {
      if (ended) return;
      const nowMs = performance.now();
      latenciesMs.push(nowMs - startedMs[oldest++]);
      if (nowMs < endMs) {
        send();
        return;
      }
      ended = true;
      resolve(summarise(latenciesMs, nowMs - beginMs));
    });
    socket.cork();
    for (let index = 0; index < depth; index++) send();
    socket.uncork();
  });
}

/** Cuts a stream into frames, and corks the socket while those of one chunk are handled. */
function onFrames(socket, handle) {
  let rest;
  socket.on('data', (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let position = 0;
    socket.cork();
    while (bytes.length - position >= 4) {
      const end = position + 4 + bytes.readUInt32BE(position);
      if (end > bytes.length) break;
      handle(bytes.subarray(position, end));
      position = end;
    }
    socket.uncork();
    rest = position === bytes.length ? undefined : bytes.subarray(position);
  });
}
