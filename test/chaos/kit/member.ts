/** A server of a cluster, in a process of its own, that goes and comes back where it was. */
export interface Member {
  readonly name: string;
  /** Set when a broker runs in it. */
  readonly brokerName?: string;
  /** `ip:port` of its broker. */
  readonly brokerAddress?: string;
  /** `ip:port`, set when a name server runs in it. */
  readonly nameServer?: string;
  /** Starts it, for the first time or again, and resolves when it serves. */
  start(): Promise<void>;
  /** Ends it with SIGKILL and resolves when it is gone. */
  kill(): Promise<void>;
  /** Has its process stand still, or go on: its connections stay, and nothing answers. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}
