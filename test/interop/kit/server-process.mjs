import { startServer } from 'multistage/server';

/**
 * Our server as `npm run build` made it, with the options (JSON) of its first argument. It stops cleanly when its standard
 * input ends: it never outlives the process that holds the other end of the pipe.
 */
const server = await startServer(JSON.parse(process.argv[2] ?? '{}'));
process.stdin.resume();
process.stdin.once('close', async () => {
  await server.close();
});
process.stdout.write(`${JSON.stringify({ nameServer: server.nameServers, brokerAddress: server.brokerAddress })}\n`);
