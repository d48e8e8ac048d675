import { rocketMQError } from '../../errors/rocketmq-error.js';
import type { DialectObject } from './json-dialect-object.js';

/** An object or array of a document, and the one around it. */
export interface Container {
  value: DialectObject | Map<unknown, unknown> | unknown[];
  readonly parent: Container | undefined;
}

/** An object `{"$ref": target}` that was read in `container` at `slot` and stands for another one. */
export interface Reference {
  readonly placeholder: DialectObject;
  readonly target: string;
  readonly container: Container;
  readonly slot: unknown;
}

/** Whether the text of a `$ref` is one that the writer means as a reference. */
export function isReferenceTarget(target: string): boolean {
  return target.startsWith('$') || target === '@' || target === '..';
}

/**
 * Puts in the place of each reference what it refers to. A writer refers only to what it wrote before, so references are
 * resolved in the order read and may not lead through later ones. The document may become a graph with cycles, as the
 * peer's objects were.
 * @throws RMQ_BODY_INVALID when a reference leads nowhere
 */
export function resolveReferences(root: unknown, references: readonly Reference[]): void {
  const unresolved = new Set<unknown>(references.map((reference) => reference.placeholder));
  for (const reference of references) {
    const value = find(reference, root, unresolved);
    if (value === undefined || unresolved.has(value)) nowhere(reference.target);
    replace(reference, value);
    unresolved.delete(reference.placeholder);
  }
}

function find({ target, container }: Reference, root: unknown, unresolved: ReadonlySet<unknown>): unknown {
  if (target === '@') return container.value;
  if (target === '..') return container.parent?.value;
  let value = root;
  for (const step of path(target)) {
    if (unresolved.has(value)) return undefined;
    if (value instanceof Map) value = value.get(step);
    else if (typeof value === 'object' && value !== null && Object.hasOwn(value, step)) {
      value = (value as DialectObject)[step];
    } else return undefined;
  }
  return value;
}

function replace({ placeholder, container, slot }: Reference, value: unknown): void {
  const holder = container.value;
  if (holder instanceof Map) {
    if (holder.get(slot) === placeholder) holder.set(slot, value);
    return;
  }
  const members = holder as DialectObject;
  if (members[slot as string] === placeholder) members[slot as string] = value;
}

/** `$.brokers[0].name` as names and indices; a backslash takes the next character as it is. */
function path(target: string): string[] {
  const steps: string[] = [];
  const pattern = /\.((?:\\.|[^.[\\])+)|\[(\d+)\]/gy;
  pattern.lastIndex = 1;
  while (pattern.lastIndex < target.length) {
    const match = pattern.exec(target);
    if (match === null) return nowhere(target);
    steps.push(match[2] ?? match[1]!.replace(/\\(.)/g, '$1'));
  }
  return steps;
}

function nowhere(target: string): never {
  throw rocketMQError('RMQ_BODY_INVALID', `Not JSON as RocketMQ writes it: the reference ${target} leads nowhere`, {});
}
