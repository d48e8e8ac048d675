import type { Client } from '../../client/client.js';
import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { Plugin } from '../../plugin/plugin.js';
import type { Producer, RawMessage } from '../../producer/producer.js';
import { type TestKit, testKit } from '../test-kit.js';
import { ComplaintLog } from './complaint-log.js';
import { CountingClock } from './counting-clock.js';
import { inTime } from './in-time.js';
import { type MachineTimers, withMachineTimers } from './machine-timers.js';
import type { ConformanceOptions, MakePlugin } from './options.js';
import { Probes } from './probes.js';

/** A server, and a client with the plugin under test between two probes. */
export interface Trial {
  readonly kit: TestKit;
  readonly mq: Client;
  readonly producer: Producer;
  readonly probes: Probes;
  /** The plugin's name. */
  readonly plugin: string;
  /** What is set on the clock of the client alone, and on the machine by whatever the check set off. */
  readonly timers: { readonly clock: CountingClock; readonly machine: MachineTimers };
  readonly message: RawMessage;
  /** @throws AssertionError when the client has said in its log that the plugin failed or broke the contract */
  assertNoComplaint(): void;
  /** Another client with the plugin, without probes. */
  another(): Promise<Client>;
}

const MESSAGE: RawMessage = { topic: 'conformance', body: 'a message for a plugin', tag: 'tag', keys: ['key'] };

/** Runs a check on a server of its own, which is gone afterwards. */
export async function tryPlugin(
  make: MakePlugin,
  { message = MESSAGE, beside = () => [], prepare }: ConformanceOptions,
  check: (trial: Trial) => Promise<void>,
): Promise<void> {
  const kit = await testKit({ closeTimeoutMs: 100 });
  const inScope = async (machine: MachineTimers): Promise<void> => {
    await prepare?.(kit);
    const plugin = made(make);
    const probes = new Probes(plugin.name);
    const clock = new CountingClock(kit.clock);
    const log = new ComplaintLog(plugin.name);
    const plugins = [...beside(), ...probes.around(plugin)];
    const mq = await kit.connect({ clock, logger: log, plugins });
    const producer = await mq.producer({ group: 'conformance-producer' });
    const another = (): Promise<Client> => kit.connect({ plugins: [...beside(), made(make)] });
    const assertNoComplaint = (): void => log.assertEmpty();
    const timers = { clock, machine };
    await check({ kit, mq, producer, probes, plugin: plugin.name, timers, message, assertNoComplaint, another });
    // What it left to happen by itself may still fail.
    await kit.clock.settle();
    assertNoComplaint();
  };
  try {
    await inTime(kit.clock, () => withMachineTimers(inScope));
  } finally {
    await inTime(kit.clock, () => kit.close());
  }
}

function made(make: MakePlugin): Plugin {
  const plugin: unknown = make();
  if (typeof plugin === 'object' && plugin !== null) return plugin as Plugin;
  const words = `the function that makes a fresh plugin returned ${String(plugin)}`;
  throw rocketMQError('RMQ_OPTIONS_INVALID', words, { option: 'make' });
}
