import { type OptionNames, type Plugin, ResourceNames, requireKnown, rocketMQError } from '../../core/index.js';
import { instanceOfEndpoint } from './instance-endpoint.js';
import { namespaceInterceptor } from './namespace-interceptor.js';
import { namespacedNames } from './namespaced-names.js';

export { instanceOfEndpoint } from './instance-endpoint.js';
export { unwrapNamespace, wrapNamespace } from './names.js';

/** Which namespace, and how it is written. */
export interface NamespaceOptions {
  /**
   * One or more of `|a-zA-Z0-9_-`; with version 2 any text. Default: the instance that the address of the first name server
   * names, `MQ_INST_…`.
   */
  readonly namespace?: string;
  /**
   * 1 writes it before every topic and group: any broker, and Java's `setNamespace`. 2 leaves names as they are and says it
   * in fields of every request: for servers of 5.x that look at them, and Java's `setNamespaceV2`. Default 1.
   */
  readonly version?: 1 | 2;
}

/** What `mq.plugin(…)` gives. */
export interface Namespace {
  /** The namespace that is used, also when it was found in an address. */
  readonly namespace: string;
}

const OPTIONS: OptionNames = { of: 'namespace', names: new Set<keyof NamespaceOptions>(['namespace', 'version']) };

/**
 * Puts a whole client into a namespace: clients of different namespaces never meet on one cluster, whatever their topics
 * and groups are called. The application goes on writing and reading plain names.
 * @throws RMQ_OPTIONS_INVALID naming the option
 * @example
 * const mq = await connect({ nameServers, plugins: [namespace({ namespace: 'staging' })] });
 * await (await mq.producer({ group: 'g' })).send({ topic: 'orders', body: 'x' }); // goes to staging%orders
 */
export function namespace(options: NamespaceOptions = {}): Plugin<Namespace> {
  requireKnown(options, OPTIONS);
  const { namespace: given, version = 1 } = options;
  if (version !== 1 && version !== 2) throw invalid('version', `is 1 or 2, not ${JSON.stringify(version)}`);
  if (given !== undefined) checkNamespace(given, version);
  return {
    name: 'namespace',
    setup(host) {
      const name = given ?? instanceOfEndpoint(host.nameServers[0] ?? '');
      if (name === undefined) {
        throw invalid('namespace', 'is needed: no name server of this client has an address that names an instance');
      }
      if (version === 1) host.bind(ResourceNames, { value: namespacedNames(name) });
      else host.interceptRequest('decorate', namespaceInterceptor(name));
      return { namespace: name };
    },
  };
}

/** A `%` would end the namespace for whoever reads the names. */
function checkNamespace(given: unknown, version: 1 | 2): void {
  const legal = version === 1 ? /^[|a-zA-Z0-9_-]+$/ : /\S/;
  if (typeof given === 'string' && legal.test(given)) return;
  const what = version === 1 ? 'is one or more of |a-zA-Z0-9_-' : 'is text';
  throw invalid('namespace', `${what}, not ${JSON.stringify(given) ?? String(given)}`);
}

function invalid(option: string, what: string): Error {
  return rocketMQError('RMQ_OPTIONS_INVALID', `namespace option ${option} ${what}`, { option });
}
