import { type Token, token } from '../runtime/token.js';
import type { Properties } from './message.js';

/**
 * How topics and groups are written on the wire. Namespaces bind this; the default changes nothing. Asked for every send:
 * it has to be quick, and to say the same each time. What it throws fails the send, or what was about to be made.
 */
export interface ResourceNames {
  topicToWire(topic: string): string;
  topicFromWire(topic: string): string;
  groupToWire(group: string): string;
  groupFromWire(group: string): string;
  /** Properties that every message gets because it is sent under these names, such as INSTANCE_ID. */
  readonly properties?: Properties;
}

export const ResourceNames: Token<ResourceNames> = token('ResourceNames');

const same = (name: string): string => name;

/** Names as they are. */
export const plainResourceNames: ResourceNames = {
  topicToWire: same,
  topicFromWire: same,
  groupToWire: same,
  groupFromWire: same,
};
