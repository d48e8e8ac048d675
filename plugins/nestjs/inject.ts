import { Inject } from '@nestjs/common';
import { producerToken, rocketMQToken } from './tokens.js';

/**
 * Injects a producer that `RocketMQModule.forProducer` registered.
 * @param client of `forRoot({ … }, { name })`; default: the client without a name
 * @example constructor(@InjectProducer('checkout') private readonly producer: Producer) {}
 */
export function InjectProducer(group: string, client?: string): PropertyDecorator & ParameterDecorator {
  return Inject(producerToken(group, client));
}

/** Injects the client itself, for what the module does not do: pull consumers, plugins' own interfaces. */
export function InjectRocketMQ(client?: string): PropertyDecorator & ParameterDecorator {
  return Inject(rocketMQToken(client));
}
