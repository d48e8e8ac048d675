import { type Token, token } from '../runtime/token.js';

/** How topics and groups are written on the wire. Namespaces bind this; the default changes nothing. */
export interface ResourceNames {
  topicToWire(topic: string): string;
  topicFromWire(topic: string): string;
  groupToWire(group: string): string;
  groupFromWire(group: string): string;
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
