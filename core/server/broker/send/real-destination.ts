import { findProperty } from '../../../message/properties.js';
import { PropertyName } from '../../../message/property-names.js';

/** Where a message that waits goes in the end. */
export interface RealDestination {
  readonly topic: string;
  readonly queueId: number;
}

/** What REAL_TOPIC and REAL_QID of a delayed or half message say; undefined when they do not. */
export function realDestinationIn(properties: string): RealDestination | undefined {
  const topic = findProperty(properties, PropertyName.REAL_TOPIC);
  const queueId = Number(findProperty(properties, PropertyName.REAL_QID));
  return topic === undefined || !Number.isInteger(queueId) || queueId < 0 ? undefined : { topic, queueId };
}
