import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { ApacheVersion } from './jars.js';
import type { JavaRuntime } from './java.js';
import { waitFor } from './ports.js';
import { stop } from './processes.js';

/** One of Apache's servers, and how it is started. */
export interface JavaServerSettings {
  readonly version: ApacheVersion;
  readonly mainClass: string;
  readonly jvmOptions: readonly string[];
  readonly config: Readonly<Record<string, string | number | boolean>>;
}

/** One of Apache's servers as a child process; its output goes to `<name>.out` below `home`. */
export class JavaServer {
  readonly #runtime: JavaRuntime;
  readonly #home: string;
  readonly #name: string;
  readonly #settings: JavaServerSettings;
  #child: ChildProcess | undefined;

  constructor(runtime: JavaRuntime, home: string, name: string, settings: JavaServerSettings) {
    this.#runtime = runtime;
    this.#home = home;
    this.#name = name;
    this.#settings = settings;
  }

  /** Starts it, for the first time or again. */
  async start(): Promise<void> {
    const { version, mainClass, jvmOptions, config } = this.#settings;
    const configFile = join(this.#home, `${this.#name}.conf`);
    const lines = Object.entries(config).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(configFile, lines.join(''));
    const options = [...jvmOptions, `-Duser.home=${this.#home}`, '-cp', this.#runtime.serverClassPath[version]];
    // Supervised ends the server when its standard input closes: it never outlives this process, however that ends.
    const child = spawn(this.#runtime.java, [...options, 'Supervised', mainClass, '-c', configFile], {
      env: { ...process.env, ROCKETMQ_HOME: this.#home, NAMESRV_ADDR: undefined },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    const log = createWriteStream(this.#outputFile, { flags: 'a' });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.stdin.on('error', () => undefined);
    child.once('close', () => log.end());
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve).once('error', reject);
    });
    finished(log).catch((error: unknown) => console.error(error));
  }

  /** Waits until `probe` says so; rejects with what the server said when it ends or takes too long. */
  async until(what: string, probe: () => Promise<boolean>): Promise<void> {
    const failure = () =>
      this.#child?.exitCode == null ? undefined : `it ended with exit code ${this.#child.exitCode}`;
    try {
      await waitFor(`Apache's ${this.#name}: waiting until ${what}`, probe, { timeoutMs: 240_000, failure });
    } catch (error) {
      const output = await readFile(this.#outputFile, 'utf8').catch(() => '');
      throw new Error(`${(error as Error).message}\n${output.slice(-4_000)}`, { cause: error });
    }
  }

  /** Stops it through its shutdown hooks, for which a broker 5.x takes 10 seconds and more. */
  async close(): Promise<void> {
    if (this.#child !== undefined) await stop(this.#child, 120_000);
  }

  /** Ends it with SIGKILL and resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Has its process stand still, or go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  get #outputFile(): string {
    return join(this.#home, `${this.#name}.out`);
  }
}
