/** docs/reference/options.md lists exactly the options that the types have. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Names of an interface's own properties, read from its source. */
function optionsOf(file: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(read(file))?.[1] ?? '';
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option]) => option as string);
}

/** First cells of the table below a heading. */
function documented(heading: string): string[] {
  const section = read('docs/reference/options.md').split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, option]) => option as string);
}

describe('the option reference', () => {
  test.each([
    ['connect', 'core/client/connect-options.ts', 'ConnectOptions'],
    ['mq.producer', 'core/producer/options.ts', 'ProducerOptions'],
    ['mq.producer, latencyFault', 'core/routing/latency-fault/latency-fault-options.ts', 'LatencyFaultOptions'],
    ['producer.send', 'core/producer/producer.ts', 'SendOptions'],
    ['mq.consumer', 'core/consumer/consumer-options.ts', 'ConsumerOptions'],
    ['startServer, embedded', 'core/server/server-options.ts', 'ServerOptions'],
  ])('lists the options of %s in their order', (heading, file, name) => {
    const options = optionsOf(file, name);
    expect(options.length).toBeGreaterThan(3);
    expect(documented(heading)).toEqual(options);
  });
});
