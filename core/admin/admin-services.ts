import type { Compressor } from '../message/compression/compressor.js';
import type { ResourceNames } from '../message/resource-names.js';
import type { RemotingClient } from '../remoting/remoting-client.js';
import type { NameServers } from '../routing/name-servers.js';
import type { ResolveAddress } from '../routing/resolve-address.js';
import type { RouteTable } from '../routing/route-table.js';
import type { Clock } from '../runtime/clock.js';

/** What an admin uses of its client. */
export interface AdminServices {
  readonly routes: RouteTable;
  readonly nameServers: Pick<NameServers, 'ask' | 'tellAll'>;
  readonly remoting: Pick<RemotingClient, 'invoke'>;
  readonly names: ResourceNames;
  readonly compressors: readonly Compressor[];
  readonly resolveAddress: ResolveAddress | undefined;
  readonly clock: Clock;
}

/** How long a request of one call may take, and what ends it. */
export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}
