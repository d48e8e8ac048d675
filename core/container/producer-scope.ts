import { Container } from 'inversify';
import { rocketMQError } from '../errors/rocketmq-error.js';
import { type CompressionType, Compressor, Compressors } from '../message/compression/compressor.js';
import { heldCompressor } from '../message/compression/held-compressor.js';
import { ResourceNames } from '../message/resource-names.js';
import { FaultStrategy } from '../pipeline/fault-strategy.js';
import type { ProducerScope, ResolveFromScope } from '../pipeline/tokens.js';
import type { PartLimit } from '../plugin/guarded-part.js';
import type { PartBinding } from '../plugin/part.js';
import { RemotingClient } from '../remoting/remoting-client.js';
import { LatencyFaults } from '../routing/latency-fault/latency-faults.js';
import { ReachabilityDetector } from '../routing/latency-fault/reachability-detector.js';
import { RouteTable } from '../routing/route-table.js';
import { Clock } from '../runtime/clock.js';
import { Logger } from '../runtime/logger.js';
import type { PeriodicTask } from '../runtime/scheduler.js';
import { bindProducerParts } from './bind-part.js';
import { partOf } from './part-of.js';
import { Tasks } from './tokens.js';

/**
 * The child container of one producer: its scope, what its own options ask for, and what plugins bound for producers like
 * it. What an option asks for takes the place of what plugins bound for the whole client.
 */
export class OpenScope {
  readonly resolve: ResolveFromScope;
  readonly #parent: Container;
  readonly #scope: ProducerScope;
  readonly #faults: LatencyFaults | undefined;
  #detection: PeriodicTask | undefined;

  /** @param names how this producer writes names on the wire, when otherwise than all others */
  constructor(
    parent: Container,
    scope: ProducerScope,
    routes: RouteTable,
    bound: { readonly bindings: readonly PartBinding[]; readonly limit: PartLimit },
    names: ResourceNames | undefined,
  ) {
    const { compression, latencyFault } = scope.options;
    const child = new Container({ parent });
    this.#parent = parent;
    this.#scope = scope;
    child.bind<RouteTable>(RouteTable).toConstantValue(routes);
    if (names !== undefined) child.bind<ResourceNames>(ResourceNames).toConstantValue(names);
    if (compression !== undefined) {
      child.bind<Compressor>(Compressor).toConstantValue(compressorOf(parent, compression));
    }
    if (latencyFault !== undefined) {
      this.#faults = new LatencyFaults(latencyFault, partOf(parent, Clock), scope.random);
      child.bind<FaultStrategy>(FaultStrategy).toConstantValue(this.#faults);
    }
    bindProducerParts(child, scope, bound.bindings, scope.facts, bound.limit);
    this.resolve = (part) => partOf(child, part);
  }

  /** Loads the producer's codec. @throws RMQ_CODEC_MISSING */
  async load(): Promise<void> {
    await heldCompressor(partOf(this.#parent, Clock), this.resolve(Compressor)).load?.();
  }

  /** Begins to look after brokers that cannot be reached, where the producer asks for that. */
  start(): void {
    const faults = this.#faults;
    const detector = faults?.settings.detector;
    if (faults === undefined || detector === undefined) return;
    const { intervalMs, timeoutMs } = detector;
    const reachability = new ReachabilityDetector({
      table: faults.table,
      intervalMs,
      timeoutMs,
      routes: this.resolve(RouteTable),
      remoting: partOf(this.#parent, RemotingClient),
      names: partOf(this.#parent, ResourceNames),
      clock: partOf(this.#parent, Clock),
      logger: partOf(this.#parent, Logger),
    });
    const name = `probe brokers for producer ${this.#scope.facts.group}`;
    this.#detection = partOf(this.#parent, Tasks).every(name, { periodMs: intervalMs }, () => reachability.round());
  }

  close(): void {
    this.#detection?.cancel();
  }
}

function compressorOf(container: Container, type: CompressionType): Compressor {
  const compressor = partOf(container, Compressors).find((one) => one.type === type);
  if (compressor !== undefined) return compressor;
  const name = type.toLowerCase();
  throw rocketMQError('RMQ_OPTIONS_INVALID', `compression is ${name}, for which this client has no compressor`, {
    option: 'compression',
  });
}
