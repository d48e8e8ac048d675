import { PropertyName, type ResourceNames, validateGroup, validateTopic } from '../../core/index.js';
import { unwrapNamespace, wrapNamespace } from './names.js';

/** Names are few and asked for with every send; a client that goes through more than these wraps them anew. */
const REMEMBERED_MAX = 4_096;

/**
 * Every topic and group of a client in one namespace. A name that is legal, but too long once the namespace stands before
 * it, is refused here: RMQ_MESSAGE_ILLEGAL for a topic, RMQ_OPTIONS_INVALID for a group.
 */
export function namespacedNames(namespace: string): ResourceNames {
  const wrapped = (validate: (name: string) => void) =>
    remembered((name) => {
      const wire = wrapNamespace(namespace, name);
      if (wire !== name) validate(wire);
      return wire;
    });
  const unwrapped = remembered((name) => unwrapNamespace(name, namespace));
  return {
    topicToWire: wrapped(validateTopic),
    topicFromWire: unwrapped,
    groupToWire: wrapped(validateGroup),
    groupFromWire: unwrapped,
    properties: { [PropertyName.INSTANCE_ID]: namespace },
  };
}

function remembered(change: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    let changed = known.get(name);
    if (changed === undefined) {
      changed = change(name);
      if (known.size >= REMEMBERED_MAX) known.clear();
      known.set(name, changed);
    }
    return changed;
  };
}
