import type { ServerConnection } from '../../remoting/remoting-server.js';
import { CLIENT_EXPIRY_MS, type ClientChannel } from './client-channel.js';

/** The connected producers by group. Matches Apache's ProducerManager. */
export class ProducerRegistry {
  readonly #groups = new Map<string, Map<ServerConnection, ClientChannel>>();

  register(group: string, channel: ClientChannel, nowMs: number): void {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = new Map();
      this.#groups.set(group, members);
    }
    const known = members.get(channel.connection);
    if (known?.clientId === channel.clientId) known.lastHeardMs = nowMs;
    else members.set(channel.connection, { ...channel, lastHeardMs: nowMs });
  }

  unregister(group: string, connection: ServerConnection): void {
    const members = this.#groups.get(group);
    if (members?.delete(connection) && members.size === 0) this.#groups.delete(group);
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

  /** Groups with members. */
  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }
}
