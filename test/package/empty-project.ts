import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A project that has nothing but the packed package and what it is told to install beside it. */
export interface EmptyProject {
  readonly dir: string;
  write(name: string, text: string): void;
  /** Runs a command in the project; its standard output, or an error with all that it printed. */
  run(command: string, ...args: string[]): string;
  remove(): void;
}

/** Packs the checkout once; the file lies in `dir`. */
export function pack(dir: string): string {
  const output = runIn(root, 'npm', ['pack', '--json', '--pack-destination', dir]);
  const [{ filename }] = JSON.parse(output.slice(output.indexOf('['))) as { filename: string }[];
  return join(dir, filename);
}

/** The version of a tool that this project itself uses, so that both test the same. */
export function versionHere(name: string): string {
  return `${name}@${JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version}`;
}

/** @param engineStrict whether a dependency that does not name this Node is an error; of some others' packages it is not */
export function emptyProject(
  manifest: object,
  install: readonly string[],
  { engineStrict = true }: { readonly engineStrict?: boolean } = {},
): EmptyProject {
  const dir = mkdtempSync(join(tmpdir(), 'multistage-empty-'));
  const project: EmptyProject = {
    dir,
    write: (name, text) => {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    },
    run: (command, ...args) => runIn(dir, command, args),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
  project.write('package.json', JSON.stringify({ name: 'empty', version: '1.0.0', private: true, ...manifest }));
  const strict = engineStrict ? ['--engine-strict'] : [];
  project.run(
    'npm',
    'install',
    '--prefer-offline',
    '--fetch-retries=5',
    '--no-audit',
    '--no-fund',
    ...strict,
    ...install,
  );
  return project;
}

function runIn(cwd: string, command: string, args: readonly string[]): string {
  const { NODE_OPTIONS: _options, ...env } = process.env; // vitest's own settings are not the project's
  const options: ExecFileSyncOptions = { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
  try {
    return String(execFileSync(command, args, options));
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: unknown; stderr?: unknown };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`, { cause: error });
  }
}
