const INSTANCE_ENDPOINT = /^(?:\w+:\/\/|)(MQ_INST_\w+_\w+)\./;

/**
 * The instance that an endpoint of a hosted RocketMQ is of, which is its namespace: `MQ_INST_1_a` for
 * `http://MQ_INST_1_a.region.example:80`; undefined for any other address. Matches Apache's NameServerAddressUtils.
 */
export function instanceOfEndpoint(endpoint: string): string | undefined {
  return INSTANCE_ENDPOINT.exec(endpoint)?.[1];
}
