import { createdBy } from '../../pipeline/created-by.js';
import { orderGap } from '../../pipeline/gap-order.js';
import type { ConsumerServices } from '../consumer.js';
import type { ConsumerFacts } from './delivery.js';
import type { NamedDeliveryInterceptor } from './delivery-chain.js';
import type { DeliveryFilter } from './delivery-filter.js';

/** What plugins attach to one consumer, in their order. */
export interface Attached {
  readonly interceptors: readonly NamedDeliveryInterceptor[];
  readonly filters: readonly DeliveryFilter[];
}

/** @throws RMQ_PLUGIN_CONFLICT, RMQ_PLUGIN_FAILED */
export function attachedTo(
  consumer: ConsumerFacts,
  { deliveryAttachments, deliveryFilters = [] }: Pick<ConsumerServices, 'deliveryAttachments' | 'deliveryFilters'>,
): Attached {
  return {
    interceptors: orderGap(deliveryAttachments).flatMap(({ plugin, create }) => {
      const interceptor = createdBy(plugin, 'an interceptor of deliveries', () => create(consumer));
      return interceptor === undefined ? [] : [{ plugin, interceptor }];
    }),
    filters: orderGap(deliveryFilters).flatMap(({ plugin, create }) => {
      const accepts = createdBy(plugin, 'a filter of deliveries', () => create({ group: consumer.group }));
      return accepts === undefined ? [] : [{ plugin, accepts }];
    }),
  };
}
