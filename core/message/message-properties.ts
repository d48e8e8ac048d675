import type { OutgoingMessage, Properties } from './message.js';
import { appendProperty, checkPropertiesLength, formatProperties } from './properties.js';
import { KEY_SEPARATOR, PropertyName } from './property-names.js';

const WAIT_TRUE = formatProperties({ [PropertyName.WAIT]: 'true' });
const WAIT_FALSE = formatProperties({ [PropertyName.WAIT]: 'false' });

/** The properties of a batch itself: WAIT. All others are its messages'. */
export function formatBatchProperties(waitStored: boolean): string {
  return waitStored ? WAIT_TRUE : WAIT_FALSE;
}

/**
 * The properties string of a message on its way out: its id, WAIT, tag, keys, what it has of its own and for RocketMQ, and
 * `system` properties that sending adds (a delay, a namespace). The hot path: no map in between.
 * @throws RMQ_MESSAGE_ILLEGAL as `formatProperties`
 */
export function formatMessageProperties(message: OutgoingMessage, uniqueId: string, system?: Properties): string {
  const { tag, keys, properties, systemProperties } = message;
  let text = appendProperty(message.waitStored === false ? WAIT_FALSE : WAIT_TRUE, PropertyName.UNIQ_KEY, uniqueId);
  if (tag !== undefined) text = appendProperty(text, PropertyName.TAGS, tag);
  if (keys !== undefined && keys.length > 0) {
    text = appendProperty(text, PropertyName.KEYS, typeof keys === 'string' ? keys : keys.join(KEY_SEPARATOR));
  }
  if (properties !== undefined) text = appendAll(text, properties);
  if (systemProperties !== undefined) text = appendAll(text, systemProperties);
  if (system !== undefined) text = appendAll(text, system);
  checkPropertiesLength(text);
  return text;
}

function appendAll(start: string, properties: Properties): string {
  let text = start;
  for (const name of Object.keys(properties)) text = appendProperty(text, name, properties[name]!);
  return text;
}
