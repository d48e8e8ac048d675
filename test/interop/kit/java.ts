import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ApacheVersion, Jars } from './jars.js';
import { describeOutcome, type ProcessOutcome, run, runOrThrow } from './processes.js';
import type { Toolchain } from './toolchain.js';

/** What a run of Apache's Java code needs; made once by global-setup.ts and handed to the test files. */
export interface JavaRuntime {
  readonly java: string;
  /** Of our Java classes with Apache's client and tools. */
  readonly classPath: string;
  /** Of Apache's servers. */
  readonly serverClassPath: Readonly<Record<ApacheVersion, string>>;
}

/** The header encodings of Apache's client, as its system property `rocketmq.serialize.type` spells them. */
export type HeaderEncoding = 'JSON' | 'ROCKETMQ';

const SOURCES = fileURLToPath(new URL('../java', import.meta.url));
/** A JVM that lives for seconds starts faster without its optimising compiler. */
const SHORT_LIVED = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** Queues are shared out again after 20 s by themselves, whatever went wrong the first time. */
const REBALANCE_SOON = '-Drocketmq.client.rebalance.waitInterval=1000';
/** Above what java/Drive.java gives itself. */
const TIMEOUT_MS = 240_000;
/** Apache's tools wait 3 to 5 s for an answer, which a machine that is busy may not give in time: so long they are run again. */
const TOOL_PATIENCE_MS = 180_000;
const TOO_LATE =
  /Remoting(Timeout|TooMuchRequest|Connect|SendRequest)Exception|getResponseCommand return null|maybe some broker failed/;

/** Compiles the classes of test/interop/java into `classes`. */
export async function compileJava(toolchain: Toolchain, jars: Jars, classes: string): Promise<JavaRuntime> {
  const sources = (await readdir(SOURCES)).filter((name) => name.endsWith('.java')).map((name) => join(SOURCES, name));
  await mkdir(classes, { recursive: true });
  const client = join(jars['4.9.7'], '*');
  await runOrThrow(toolchain.javac, ['-encoding', 'UTF-8', '-cp', client, '-d', classes, ...sources], {
    timeoutMs: TIMEOUT_MS,
  });
  // Of our classes only Supervised runs beside a server, and it needs no jar.
  const classPathOf = (version: ApacheVersion) => [classes, join(jars[version], '*')].join(delimiter);
  return {
    java: toolchain.java,
    classPath: classPathOf('4.9.7'),
    serverClassPath: { '4.9.7': classPathOf('4.9.7'), '5.5.0': classPathOf('5.5.0') },
  };
}

export interface DriveOptions {
  /** Default `JSON`. */
  readonly encoding?: HeaderEncoding;
  /** What standard input is. */
  readonly input?: string;
  /** `name=value`, for what Apache's client can be told in no other way. */
  readonly systemProperties?: readonly string[];
}

/** Runs java/Codecs.java on lines of standard input. */
export function codecs(runtime: JavaRuntime, input: string): Promise<ProcessOutcome> {
  return runInOwnHome(runtime, [], ['Codecs'], input);
}

/** Runs java/Shares.java on lines of standard input. */
export function shares(runtime: JavaRuntime, input: string): Promise<ProcessOutcome> {
  return runInOwnHome(runtime, [], ['Shares'], input);
}

/** Runs java/Traces.java on lines of standard input, with the client that comes with servers of that version. */
export function traces(runtime: JavaRuntime, version: ApacheVersion, input: string): Promise<ProcessOutcome> {
  return runInOwnHome(ofVersion(runtime, version), [], ['Traces'], input);
}

/** Apache's client and tools are those of 4.9 unless somebody asks for the others. */
function ofVersion(runtime: JavaRuntime, version: ApacheVersion): JavaRuntime {
  return version === '5.5.0' ? { ...runtime, classPath: runtime.serverClassPath[version] } : runtime;
}

/** Runs one command of java/Drive.java against a name server. */
export function drive(
  runtime: JavaRuntime,
  nameServer: string,
  command: string,
  args: readonly string[],
  { encoding = 'JSON', input = '', systemProperties = [] }: DriveOptions = {},
): Promise<ProcessOutcome> {
  return runInOwnHome(
    runtime,
    [`-Drocketmq.serialize.type=${encoding}`, ...systemProperties.map((property) => `-D${property}`)],
    ['Drive', nameServer, command, ...args],
    input,
  );
}

/**
 * Runs one command of Apache's mqadmin, of 4.9.7 by default, against a name server; again where an answer came too late for
 * it. Its exit code is 0 whatever happens: look at the text.
 */
export async function mqadmin(
  runtime: JavaRuntime,
  nameServer: string,
  command: string,
  args: readonly string[] = [],
  { version = '4.9.7' }: { readonly version?: ApacheVersion } = {},
): Promise<ProcessOutcome> {
  const main = ['org.apache.rocketmq.tools.command.MQAdminStartup', command, '-n', nameServer, ...args];
  const giveUpAt = performance.now() + TOOL_PATIENCE_MS;
  for (;;) {
    const outcome = await runInOwnHome(ofVersion(runtime, version), [], main, '');
    if (performance.now() > giveUpAt || !TOO_LATE.test(outcome.stdout + outcome.stderr)) return outcome;
  }
}

/** What one command of several printed. */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

type ToolCommand = readonly [command: string, ...args: string[]];

/**
 * Runs several commands of mqadmin in one process of Java, in turn; what each printed. From one on whose answer came too late
 * they are run again: each has to bear that.
 */
export async function mqadmins(
  runtime: JavaRuntime,
  nameServer: string,
  commands: readonly ToolCommand[],
  version: ApacheVersion = '4.9.7',
): Promise<ToolOutput[]> {
  const done: ToolOutput[] = [];
  const giveUpAt = performance.now() + TOOL_PATIENCE_MS;
  for (;;) {
    const outputs = await runTools(ofVersion(runtime, version), nameServer, commands.slice(done.length));
    const late = outputs.findIndex(({ stdout, stderr }) => TOO_LATE.test(stdout + stderr));
    if (performance.now() > giveUpAt || late < 0) return [...done, ...outputs];
    done.push(...outputs.slice(0, late));
  }
}

async function runTools(
  runtime: JavaRuntime,
  nameServer: string,
  commands: readonly ToolCommand[],
): Promise<ToolOutput[]> {
  const input = commands.map((command) => command.join('\t')).join('\n');
  const outcome = await runInOwnHome(runtime, [], ['Tools', nameServer], input);
  if (outcome.exitCode !== 0) throw new Error(describeOutcome('Tools', outcome));
  const partsOf = (text: string): string[] => text.split(/^== \d+\r?\n/m).slice(1);
  const errors = partsOf(outcome.stderr);
  return partsOf(outcome.stdout).map((stdout, index) => ({ stdout, stderr: errors[index] ?? '' }));
}

/** Apache's tools and clients write logs and offsets below their home and where they stand: each run gets a folder of its own, removed after. */
async function runInOwnHome(
  { java, classPath }: JavaRuntime,
  options: readonly string[],
  main: readonly string[],
  input: string,
): Promise<ProcessOutcome> {
  const home = await mkdtemp(join(tmpdir(), 'multistage-java-'));
  try {
    await writeLogging(home, ['logback_tools'], toStandardError);
    const args = [
      ...SHORT_LIVED,
      `-Duser.home=${home}`,
      '-Dfile.encoding=UTF-8',
      '-Drocketmq.client.logUseSlf4j=true',
      REBALANCE_SOON,
      // 4.9 is told by the first, 5.x by the second.
      `-Dlogback.configurationFile=${join(home, 'conf', 'logback_tools.xml')}`,
      `-Drmq.logback.configurationFile=${join(home, 'conf', 'logback_tools.xml')}`,
      ...options,
      '-cp',
      classPath,
      ...main,
    ];
    // consumerStatus leaves what it learned in the folder it was started in.
    return await run(java, args, {
      ...{ input, cwd: home, timeoutMs: TIMEOUT_MS },
      env: { ROCKETMQ_HOME: home, NAMESRV_ADDR: undefined },
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/**
 * Apache's programs read `conf/<name>.xml` below ROCKETMQ_HOME. Warnings go where `appender` says, by default to a file of
 * that name in `home`.
 */
export async function writeLogging(home: string, names: readonly string[], appender = toFile): Promise<void> {
  await mkdir(join(home, 'conf'), { recursive: true });
  for (const name of names) {
    const xml = `<configuration>
  ${appender(join(home, `${name}.log`))}
  <root level="WARN"><appender-ref ref="LOG"/></root>
</configuration>
`;
    await writeFile(join(home, 'conf', `${name}.xml`), xml);
  }
}

const ENCODER = '<encoder><pattern>%d %p %t %c{0} - %m%n</pattern></encoder>';

function toFile(file: string): string {
  return `<appender name="LOG" class="ch.qos.logback.core.FileAppender"><file>${file}</file>${ENCODER}</appender>`;
}

/** An appender of writeLogging. */
export function toStandardError(): string {
  return `<appender name="LOG" class="ch.qos.logback.core.ConsoleAppender"><target>System.err</target>${ENCODER}</appender>`;
}
