import { expect, test } from 'vitest';
import { createMemoryTransport } from '../../core/remoting/memory-transport.js';
import { processOnDemand } from '../../core/remoting/processors-on-demand.js';
import type { RequestProcessor } from '../../core/remoting/remoting-server.js';
import { remotingPair } from './remoting-setup.js';

test('a processor is made with its first request, once for all its codes and ports', async () => {
  let made = 0;
  const say =
    (remark: string): RequestProcessor =>
    () => ({ code: 0, remark });
  const processor = once(() => {
    made++;
    return { handlers: { 10: say('ten'), 11: say('eleven') } };
  });
  const processors = new Map([
    [10, processor],
    [11, processor],
  ]);
  const transport = createMemoryTransport();
  const ports = [
    await remotingPair(transport, {}, (server) => processOnDemand(server, processors)),
    await remotingPair(transport, {}, (server) => processOnDemand(server, processors)),
  ];
  expect(made).toBe(0);
  for (const { client, address } of ports) {
    const ask = (code: number) => client.invoke(address, { code }, { timeoutMs: 3_000 });
    expect((await ask(12)).code).toBe(3);
    for (const round of [1, 2]) {
      expect((await ask(11)).remark, `round ${round}`).toBe('eleven');
      expect((await ask(10)).remark, `round ${round}`).toBe('ten');
    }
  }
  expect(made).toBe(1);
});

/** As a container makes its singletons. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
