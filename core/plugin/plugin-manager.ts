import { rocketMQError } from '../errors/rocketmq-error.js';
import { isListOfNames } from '../pipeline/gap-order.js';
import type { Clock } from '../runtime/clock.js';
import type { Logger } from '../runtime/logger.js';
import type { PartLimit } from './guarded-part.js';
import type { Plugin } from './plugin.js';
import { pluginFailure, runPluginStep } from './plugin-failure.js';
import { createPluginHost, type PluginRuntime } from './plugin-host.js';
import { conflict, PluginRegistrations } from './registrations.js';

export interface PluginManagerOptions {
  readonly clientId: string;
  /** The list of name servers, where the client was given one. Default none. */
  readonly nameServers?: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** For each step of each plugin. */
  readonly timeoutMs: number;
  /** Requests of brokers that the client answers itself. */
  readonly reservedCodes?: readonly number[];
}

interface Hook {
  readonly plugin: string;
  readonly work: () => unknown;
}

/**
 * The plugins of one client and their phases: setup in order, freeze, (the client resolves its parts), onStart in order,
 * onStop in reverse. A failure carries its plugin's name.
 */
export class PluginManager {
  readonly registrations: PluginRegistrations;
  readonly #plugins: readonly Plugin[];
  readonly #options: PluginManagerOptions;
  readonly #apis = new Map<Plugin, unknown>();
  readonly #starts: Hook[] = [];
  readonly #stops: Hook[] = [];
  #inSetup = true;
  #runtime: PluginRuntime | undefined;

  /** @throws RMQ_OPTIONS_INVALID for what is no plugin, RMQ_PLUGIN_CONFLICT for a name twice or a missing requirement */
  constructor(plugins: readonly Plugin[], options: PluginManagerOptions) {
    checkPlugins(plugins);
    this.#plugins = plugins;
    this.#options = options;
    this.registrations = new PluginRegistrations(options.reservedCodes);
  }

  /** What each step of a plugin, and each part that one binds, is held to. */
  get limit(): PartLimit {
    return this.#options;
  }

  /** Lets each plugin attach; afterwards nothing can be attached any more. @throws RMQ_PLUGIN_FAILED, RMQ_PLUGIN_CONFLICT */
  async setup(): Promise<void> {
    try {
      for (const plugin of this.#plugins) {
        const host = createPluginHost({
          ...this.#options,
          plugin: plugin.name,
          registrations: this.registrations,
          inSetup: () => this.#inSetup,
          runtime: () => this.#runtime,
          onStart: (work) => this.#starts.push({ plugin: plugin.name, work }),
          onStop: (work) => this.#stops.push({ plugin: plugin.name, work }),
        });
        this.#apis.set(plugin, await runPluginStep(plugin.name, 'setup', () => plugin.setup(host), this.#options));
      }
    } finally {
      this.#inSetup = false;
    }
  }

  /** @throws RMQ_PLUGIN_FAILED with the plugin's name; later plugins are not started then */
  async start(runtime: PluginRuntime): Promise<void> {
    this.#runtime = runtime;
    for (const { plugin, work } of this.#starts) await runPluginStep(plugin, 'onStart', work, this.#options);
  }

  /** Never rejects: what fails is logged, and the others are stopped all the same. */
  async stop(): Promise<void> {
    for (const { plugin, work } of this.#stops.splice(0).reverse()) {
      try {
        await runPluginStep(plugin, 'onStop', work, this.#options);
      } catch (error) {
        this.#options.logger.error('a plugin failed to stop', {
          plugin,
          error: pluginFailure(plugin, 'onStop', error),
        });
      }
    }
  }

  /** What the plugin's setup returned. @throws RMQ_OPTIONS_INVALID when it is none of this client's */
  api<Api>(plugin: Plugin<Api>): Api {
    if (!this.#apis.has(plugin)) {
      throw rocketMQError(
        'RMQ_OPTIONS_INVALID',
        `plugins: ${plugin?.name ?? String(plugin)} is none of this client's; give the same object to connect({ plugins })`,
        { option: 'plugins' },
      );
    }
    return this.#apis.get(plugin) as Api;
  }
}

function checkPlugins(plugins: readonly Plugin[]): void {
  const invalid = (words: string): Error =>
    rocketMQError('RMQ_OPTIONS_INVALID', `plugins: ${words}`, { option: 'plugins' });
  const before = new Set<string>();
  for (const plugin of plugins) {
    if (typeof plugin?.name !== 'string' || plugin.name === '' || typeof plugin.setup !== 'function') {
      throw invalid('each needs a name and a setup function; call its factory');
    }
    if (plugin.requires !== undefined && !isListOfNames(plugin.requires)) {
      throw invalid(`requires of ${plugin.name} has to be a list of names`);
    }
    if (before.has(plugin.name)) throw conflict('Two plugins have one name', [plugin.name, plugin.name]);
    for (const required of plugin.requires ?? []) {
      if (before.has(required)) continue;
      const later = plugins.some((other) => other.name === required);
      const what = later ? 'has to be listed before the plugin that requires it' : 'is required and missing';
      throw conflict(`Plugin ${required} ${what}`, [plugin.name, required]);
    }
    before.add(plugin.name);
  }
}
