import { rocketMQError } from '../errors/rocketmq-error.js';
import type { InterceptorOrder } from './interceptor.js';

/** What the order of an attachment is made of. */
interface Ordered {
  readonly plugin: string;
  readonly order: InterceptorOrder | undefined;
}

/** Text instead of a list would match parts of names. @throws RMQ_OPTIONS_INVALID naming the door and what is wrong in it */
export function requireOrder(door: string, order: unknown): void {
  if (order === undefined) return;
  const of = typeof order === 'object' && order !== null ? Object.entries(order) : [['', order]];
  for (const [name, plugins] of of) {
    const isKnown = name === 'before' || name === 'after';
    if (isKnown && (plugins === undefined || isListOfNames(plugins))) continue;
    const option = `${door}.order${isKnown ? `.${name}` : ''}`;
    const message = `${option}: expected { before?, after? } with lists of names of plugins`;
    throw rocketMQError('RMQ_OPTIONS_INVALID', message, { option });
  }
}

export function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/**
 * The attachments of one gap in the order they run: by `order.before` and `order.after`, where those say nothing by
 * registration. Names of plugins that are not in the gap say nothing.
 * @throws RMQ_PLUGIN_CONFLICT printing a cycle
 */
export function orderGap<A extends Ordered>(attachments: readonly A[]): readonly A[] {
  const followers = attachments.map((one) => attachments.filter((other) => one !== other && runsBefore(one, other)));
  const remaining = new Set(attachments);
  const ordered: A[] = [];
  while (remaining.size > 0) {
    const next = [...remaining].find((candidate) => !hasLeader(candidate, remaining, attachments, followers));
    if (next === undefined) throw conflict(findCycle([...remaining], attachments, followers));
    remaining.delete(next);
    ordered.push(next);
  }
  return ordered;
}

function runsBefore(one: Ordered, other: Ordered): boolean {
  if (one.plugin === other.plugin) return false;
  return (one.order?.before?.includes(other.plugin) ?? false) || (other.order?.after?.includes(one.plugin) ?? false);
}

function hasLeader(
  candidate: Ordered,
  remaining: ReadonlySet<Ordered>,
  attachments: readonly Ordered[],
  followers: readonly (readonly Ordered[])[],
): boolean {
  return attachments.some((one, index) => remaining.has(one) && followers[index]!.includes(candidate));
}

/** Every one that remains has a leader among them, so going from leader to leader comes back to where it was. */
function findCycle(
  remaining: readonly Ordered[],
  attachments: readonly Ordered[],
  followers: readonly (readonly Ordered[])[],
): readonly string[] {
  const path: Ordered[] = [];
  let at = remaining[0]!;
  while (!path.includes(at)) {
    path.push(at);
    const follower = at;
    at = remaining.find((one) => followers[attachments.indexOf(one)]!.includes(follower))!;
  }
  const cycle = [...path.slice(path.indexOf(at)), at].reverse();
  return cycle.map((attachment) => attachment.plugin);
}

function conflict(cycle: readonly string[]) {
  const message = `The order of plugins has a cycle: ${cycle.join(' before ')}`;
  return rocketMQError('RMQ_PLUGIN_CONFLICT', message, { plugins: cycle });
}
