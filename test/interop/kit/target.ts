/** A cluster of one broker that a test talks to. */
export interface Target {
  /** `ip:port` */
  readonly nameServer: string;
  /** `ip:port`, as the broker advertises it. */
  readonly brokerAddress: string;
  readonly brokerName: string;
  readonly clusterName: string;
}
