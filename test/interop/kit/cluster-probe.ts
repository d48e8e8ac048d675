import { once } from 'node:events';
import { connect } from 'node:net';

const GET_BROKER_CLUSTER_INFO = 106;

/**
 * Whether a name server lists a broker of that name. The frame is written here by hand, so that a defect in the code
 * under test shows in its own test and not as "Apache did not start".
 */
export async function isBrokerRegistered(nameServerPort: number, brokerName: string): Promise<boolean> {
  const header = Buffer.from(
    JSON.stringify({ code: GET_BROKER_CLUSTER_INFO, language: 'OTHER', version: 407, opaque: 1, flag: 0 }),
  );
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length, 0);
  lengths.writeInt32BE(header.length, 4);
  const socket = connect(nameServerPort, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write(Buffer.concat([lengths, header]));
    let answer = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)) break;
    }
    return answer.includes(`"brokerName":"${brokerName}"`);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
