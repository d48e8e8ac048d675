/** Runs in the worker thread: a server like any other, which talks to its owner in messages. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { silentLogger } from '../../runtime/logger.js';
import { Scheduler } from '../../runtime/scheduler.js';
import { systemClock } from '../../runtime/system-clock.js';
import { runServer } from '../run-server.js';
import type { RunningServer } from '../running-server.js';
import { toPortableError } from './portable-error.js';
import { postingLogger } from './worker-logger.js';
import type { ServerState, ServerWorkerData, WorkerMessage, WorkerRequest } from './worker-messages.js';

/** How old the statistics may be that the owner sees. */
const STATE_PERIOD_MS = 100;

async function serve(port: MessagePort, { options, isLogged }: ServerWorkerData): Promise<void> {
  const post = (message: WorkerMessage): void => port.postMessage(message);
  const logger = isLogged ? postingLogger(post) : silentLogger;
  // From the start on: who asks to close meanwhile is not forgotten.
  const asked = new Promise<void>((resolve) => {
    port.on('message', ({ type }: WorkerRequest) => type === 'close' && resolve());
  });
  let server: RunningServer;
  try {
    server = await runServer({ ...options, logger });
  } catch (error) {
    post({ type: 'refused', error: toPortableError(error) });
    port.close();
    return;
  }
  const { nameServers, brokerAddress } = server;
  post({ type: 'running', nameServers, brokerAddress, state: stateOf(server) });
  const scheduler = new Scheduler(systemClock, logger);
  tellChanges(server, scheduler, post);
  await asked;
  await scheduler.close();
  await close(server, post);
  port.close();
}

function stateOf({ statistics, refusal }: RunningServer): ServerState {
  return { statistics, refusal };
}

function tellChanges(server: RunningServer, scheduler: Scheduler, post: (message: WorkerMessage) => void): void {
  let told = '';
  scheduler.every('server: tell its state', { periodMs: STATE_PERIOD_MS }, () => {
    const state = stateOf(server);
    const text = JSON.stringify(state);
    if (text === told) return;
    told = text;
    post({ type: 'state', state });
  });
}

async function close(server: RunningServer, post: (message: WorkerMessage) => void): Promise<void> {
  try {
    await server.close();
    post({ type: 'closed', error: undefined });
  } catch (error) {
    post({ type: 'closed', error: toPortableError(error) });
  }
}

if (parentPort !== null) void serve(parentPort, workerData as ServerWorkerData);
