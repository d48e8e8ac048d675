/** The client that is meant where none is named. */
export const DEFAULT_CLIENT = 'default';

/** Under which the options of a client are provided: what a test overrides to have it connect elsewhere. */
export function rocketMQOptionsToken(client: string = DEFAULT_CLIENT): string {
  return `multistage options, ${client}`;
}

/** Under which a client is provided; `@InjectRocketMQ()` injects it. */
export function rocketMQToken(client: string = DEFAULT_CLIENT): string {
  return `multistage client, ${client}`;
}

/** Under which the producer of a group is provided; `@InjectProducer(group)` injects it. */
export function producerToken(group: string, client: string = DEFAULT_CLIENT): string {
  return `multistage producer ${group}, ${client}`;
}

/** Under which what runs the consumers of a client is provided. */
export function consumersToken(client: string): string {
  return `multistage consumers, ${client}`;
}
