import { rocketMQError } from '../errors/rocketmq-error.js';
import type { DeliveryAttachment } from './delivery.js';

/**
 * The order in which attached plugins see a delivery, outermost first: as their `order` asks by plugin name, the order of
 * registration where it says nothing. Names of plugins that are not there ask for nothing.
 * @throws RMQ_PLUGIN_CONFLICT when they ask in a circle
 */
export function orderAttachments(attachments: readonly DeliveryAttachment[]): readonly DeliveryAttachment[] {
  const laterThan = new Map<DeliveryAttachment, Set<DeliveryAttachment>>(
    attachments.map((attachment) => [attachment, new Set()]),
  );
  for (const attachment of attachments) {
    for (const other of attachments) {
      if (other.plugin === attachment.plugin) continue;
      if (attachment.order?.after?.includes(other.plugin)) laterThan.get(attachment)?.add(other);
      if (attachment.order?.before?.includes(other.plugin)) laterThan.get(other)?.add(attachment);
    }
  }
  const ordered: DeliveryAttachment[] = [];
  const left = new Set(attachments);
  while (left.size > 0) {
    const next = [...left].find((candidate) => [...(laterThan.get(candidate) ?? [])].every((one) => !left.has(one)));
    if (next === undefined) throw circle([...left], laterThan);
    left.delete(next);
    ordered.push(next);
  }
  return ordered;
}

/** Everything that is left waits for something that is left, so walking back along it ends in the circle. */
function circle(
  left: readonly DeliveryAttachment[],
  laterThan: ReadonlyMap<DeliveryAttachment, ReadonlySet<DeliveryAttachment>>,
) {
  const path: DeliveryAttachment[] = [];
  let current = left[0] as DeliveryAttachment;
  while (!path.includes(current)) {
    path.push(current);
    current = [...(laterThan.get(current) ?? [])].find((one) => left.includes(one)) as DeliveryAttachment;
  }
  const plugins = [...path.slice(path.indexOf(current)), current].map(({ plugin }) => plugin).reverse();
  return rocketMQError(
    'RMQ_PLUGIN_CONFLICT',
    `the order of delivery interceptors goes in a circle: ${plugins.join(' → ')}`,
    { plugins: plugins.slice(1) },
  );
}
