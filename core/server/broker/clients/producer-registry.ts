import type { ServerConnection } from '../../../remoting/remoting-server.js';
import { CLIENT_EXPIRY_MS, type ClientChannel } from './client-channel.js';

/** The connected producers by group. Matches Apache's ProducerManager. */
export class ProducerRegistry {
  readonly #groups = new Map<string, Map<ServerConnection, ClientChannel>>();
  /** The connections of each client, with how many of its groups came over each; the latest is the last. */
  readonly #connections = new Map<string, Map<ServerConnection, number>>();

  register(group: string, channel: ClientChannel, nowMs: number): void {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    const known = members.get(channel.connection);
    if (known?.clientId === channel.clientId) {
      known.lastHeardMs = nowMs;
      return;
    }
    if (known !== undefined) this.#forgetClient(known);
    members.set(channel.connection, { ...channel, lastHeardMs: nowMs });
    this.#rememberClient(channel);
  }

  unregister(group: string, connection: ServerConnection): void {
    const members = this.#groups.get(group);
    const channel = members?.get(connection);
    if (members === undefined || channel === undefined) return;
    members.delete(connection);
    if (members.size === 0) this.#groups.delete(group);
    this.#forgetClient(channel);
  }

  /** Forgets a connection that is gone. */
  removeConnection(connection: ServerConnection): void {
    for (const group of [...this.#groups.keys()]) this.unregister(group, connection);
  }

  /** Forgets and closes what was silent too long. */
  expire(nowMs: number): void {
    for (const [group, members] of [...this.#groups]) {
      for (const channel of [...members.values()]) {
        if (nowMs - channel.lastHeardMs <= CLIENT_EXPIRY_MS) continue;
        this.unregister(group, channel.connection);
        channel.connection.close();
      }
    }
  }

  /** The members of a group; undefined when nobody is connected. */
  members(group: string): readonly ClientChannel[] | undefined {
    const members = this.#groups.get(group);
    return members && [...members.values()];
  }

  /** Where a client is reached that has a producer: its latest connection; undefined when it has none. */
  connectionOf(clientId: string): ServerConnection | undefined {
    return [...(this.#connections.get(clientId)?.keys() ?? [])].at(-1);
  }

  /** Groups with members. */
  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  #rememberClient({ clientId, connection }: ClientChannel): void {
    let connections = this.#connections.get(clientId);
    if (connections === undefined) {
      connections = new Map();
      this.#connections.set(clientId, connections);
    }
    connections.set(connection, (connections.get(connection) ?? 0) + 1);
  }

  #forgetClient({ clientId, connection }: ClientChannel): void {
    const connections = this.#connections.get(clientId);
    const groups = connections?.get(connection);
    if (connections === undefined || groups === undefined) return;
    if (groups > 1) connections.set(connection, groups - 1);
    else connections.delete(connection);
    if (connections.size === 0) this.#connections.delete(clientId);
  }
}
