import { DLQ_TOPIC_PREFIX, isSystemTopic, RETRY_TOPIC_PREFIX, SYSTEM_GROUP_PREFIX } from '../../core/index.js';

/** Between a namespace and a name. */
const SEPARATOR = '%';

/**
 * A topic's or group's name as it is written on the wire: `ns%name`, `%RETRY%ns%group`, `%DLQ%ns%group`. Names of
 * RocketMQ itself, and those that have the namespace already, stay as they are. Matches Apache's NamespaceUtil.
 */
export function wrapNamespace(namespace: string, name: string): string {
  if (namespace === '' || name === '' || isSystemName(name)) return name;
  const { prefix, rest } = split(name);
  return rest.startsWith(namespace + SEPARATOR) ? name : prefix + namespace + SEPARATOR + rest;
}

/**
 * The name without its namespace. With `namespace` given only that one is taken off; without it whatever stands before
 * the first `%`. Matches Apache's NamespaceUtil.
 */
export function unwrapNamespace(name: string, namespace?: string): string {
  if (name === '' || namespace === '' || isSystemName(name)) return name;
  const { prefix, rest } = split(name);
  if (namespace !== undefined) {
    return rest.startsWith(namespace + SEPARATOR) ? prefix + rest.slice(namespace.length + SEPARATOR.length) : name;
  }
  const end = rest.indexOf(SEPARATOR);
  return end > 0 ? prefix + rest.slice(end + SEPARATOR.length) : name;
}

/** Topics and groups of RocketMQ itself are the same in every namespace. */
function isSystemName(name: string): boolean {
  return isSystemTopic(name) || name.startsWith(SYSTEM_GROUP_PREFIX);
}

/** What is put before the namespace, and what after. */
function split(name: string): { readonly prefix: string; readonly rest: string } {
  const prefix = [RETRY_TOPIC_PREFIX, DLQ_TOPIC_PREFIX].find((candidate) => name.startsWith(candidate)) ?? '';
  return { prefix, rest: name.slice(prefix.length) };
}
