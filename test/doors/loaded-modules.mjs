/** Prints, as JSON, every module request that loading a door makes: `[requested, by]`. Used by doors.test.ts. */
import Module, { register } from 'node:module';
import { MessageChannel } from 'node:worker_threads';

const [format, door] = process.argv.slice(2);
const requests = [];

const load = Module._load;
Module._load = function (request, parent, ...rest) {
  requests.push([request, parent?.filename ?? '']);
  return load.call(this, request, parent, ...rest);
};

if (format === 'esm') {
  const { port1, port2 } = new MessageChannel();
  const hooks = `
    let port;
    export function initialize(data) { port = data.port; }
    export async function resolve(specifier, context, next) {
      const result = await next(specifier, context);
      port.postMessage([specifier, context.parentURL ?? '', result.url]);
      return result;
    }`;
  port1.on('message', ([specifier, by, url]) => requests.push([specifier, by], [url, by]));
  register(`data:text/javascript,${encodeURIComponent(hooks)}`, { data: { port: port2 }, transferList: [port2] });
  await import(door);
  await new Promise((resolve) => setImmediate(resolve));
  // The last messages are on their way still: ask for one more resolution and wait until it is reported.
  const last = new Promise((resolve) =>
    port1.on('message', ([specifier]) => specifier === 'node:punycode' && resolve()),
  );
  await import('node:punycode').catch(() => undefined);
  await last;
  port1.close();
} else {
  Module.createRequire(`${process.cwd()}/`)(door);
}
process.stdout.write(JSON.stringify(requests));
