import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../cli/multistage.mjs', import.meta.url));
const RESTARTS_MAX = 100;

/**
 * `multistage server` on 127.0.0.1 in a process of its own that is started again whenever it ends by itself or is killed:
 * on the same ports, which the data directory remembers.
 */
export class RestartingServer {
  #program;
  #args;
  #child;
  #stopping = false;
  #restarts = 0;
  nameServers;
  /** Resolves when the process of now answers. */
  ready;

  /** @param {{ dir: string, flush: 'async' | 'sync', program?: string }} options `program` takes the same arguments */
  constructor({ dir, flush, program = COMMAND }) {
    this.#program = program;
    this.#args = ['server', '--dir', dir, '--flush', flush, '--name-server-port', '0', '--broker-port', '0'];
  }

  /** Resolves when the server answers. */
  start() {
    this.ready = this.#start();
    return this.ready;
  }

  async #start() {
    const child = spawn(process.execPath, [this.#program, ...this.#args], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#child = child;
    child.once('exit', () => {
      if (this.#stopping) return;
      if (++this.#restarts > RESTARTS_MAX) throw new Error(`the server ended ${RESTARTS_MAX} times`);
      void this.start();
    });
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    this.nameServers = /name-server=(\S+)/.exec(line)[1];
  }

  /** Kills the process without a word of warning; another takes its place. */
  async kill() {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async stop() {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
