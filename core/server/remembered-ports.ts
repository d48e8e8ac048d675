import { isRocketMQError } from '../errors/rocketmq-error.js';
import type { RemotingServer } from '../remoting/remoting-server.js';
import type { MessageStore } from './broker/message-store.js';

/** Beside Apache's files in `config/`; its brokers leave it alone. */
const FILE = 'multistage-ports.json';

export interface ServerPorts {
  readonly nameServer?: number;
  readonly broker?: number;
}

/** The ports that this directory's server had last. */
export async function readPorts(store: MessageStore): Promise<ServerPorts> {
  const text = await store.readConfig(FILE, (candidate) => decode(candidate) !== undefined);
  return (text === undefined ? undefined : decode(text)) ?? {};
}

/** Remembers them, when they are not what was remembered. */
export async function writePorts(store: MessageStore, before: ServerPorts, ports: ServerPorts): Promise<void> {
  const next = { ...before, ...ports };
  if (next.nameServer === before.nameServer && next.broker === before.broker) return;
  await store.writeConfig(FILE, JSON.stringify(next));
}

/**
 * Starts a server on the wanted port; for port 0 first on the one that was remembered, so that clients, and ids with an
 * address in them, stay good over a restart.
 * @throws RMQ_ADDRESS_IN_USE when a wanted port is taken
 */
export async function startOn(
  wanted: number,
  remembered: number | undefined,
  start: (port: number) => Promise<RemotingServer>,
): Promise<RemotingServer> {
  if (wanted !== 0 || remembered === undefined) return start(wanted);
  try {
    return await start(remembered);
  } catch (error) {
    if (!isRocketMQError(error, 'RMQ_ADDRESS_IN_USE')) throw error;
    return start(0);
  }
}

/** How many pairs of free ports are looked for. */
const PAIRS_MAX = 32;

/**
 * Starts a server as `startOn` does, and another so many ports below (`start` is told how many). For port 0 both are found
 * together.
 * @throws RMQ_ADDRESS_IN_USE when a wanted port is taken, or no pair was free
 */
export async function startBelowToo(
  wanted: number,
  remembered: number | undefined,
  offset: number,
  start: (port: number, offset: number) => Promise<RemotingServer>,
): Promise<{ readonly server: RemotingServer; readonly below: RemotingServer }> {
  const pair = async (port: number) => {
    // The lower one first: it may be any, the upper one then has to be the one above it.
    const below = await start(port === 0 ? 0 : port - offset, offset);
    try {
      return { server: await start(below.address.port + offset, 0), below };
    } catch (error) {
      await below.close();
      throw error;
    }
  };
  const candidates = wanted !== 0 ? [wanted] : [...(remembered === undefined ? [] : [remembered]), ...ANY_PORT];
  let inUse: unknown;
  for (const port of candidates) {
    try {
      return await pair(port);
    } catch (error) {
      if (!isRocketMQError(error, 'RMQ_ADDRESS_IN_USE')) throw error;
      inUse = error;
    }
  }
  throw inUse;
}

const ANY_PORT: readonly number[] = Array.from({ length: PAIRS_MAX }, () => 0);

function decode(text: string): ServerPorts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Cut short: ports are a convenience, any will do.
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { nameServer, broker } = value as Record<string, unknown>;
  return { ...(isPort(nameServer) && { nameServer }), ...(isPort(broker) && { broker }) };
}

function isPort(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;
}
