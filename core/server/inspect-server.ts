import type { RunningServer } from './running-server.js';

/** What `console.log(server)` shows: where it is and how it is, not what it is made of. */
class Server {
  readonly nameServers: string;
  readonly brokerAddress: string;
  readonly dir: string;
  readonly refusal: string | undefined;

  constructor({ nameServers, brokerAddress, dir, refusal }: RunningServer) {
    this.nameServers = nameServers;
    this.brokerAddress = brokerAddress;
    this.dir = dir;
    this.refusal = refusal;
  }
}

/** For `inspect.custom` of a server, whichever thread it runs in. */
export function inspectServer(server: RunningServer): object {
  return new Server(server);
}
