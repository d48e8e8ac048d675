/** The part of a running server that it shows. */
interface Shown {
  readonly nameServers: string;
  readonly brokerAddress: string;
  readonly dir: string;
  readonly refusal: string | undefined;
}

/** What `console.log(server)` shows: where it is and how it is, not what it is made of. */
class Server implements Shown {
  readonly nameServers: string;
  readonly brokerAddress: string;
  readonly dir: string;
  readonly refusal: string | undefined;

  constructor({ nameServers, brokerAddress, dir, refusal }: Shown) {
    this.nameServers = nameServers;
    this.brokerAddress = brokerAddress;
    this.dir = dir;
    this.refusal = refusal;
  }
}

/** For `inspect.custom` of a server, whichever thread it runs in. */
export function inspectServer(server: Shown): object {
  return new Server(server);
}
