import { onTestFinished } from 'vitest';
import { decodeHeartbeatData, type HeartbeatData } from '../../core/remoting/protocol/heartbeat-data.js';
import type { OutgoingCommand, RemotingCommand } from '../../core/remoting/protocol/remoting-command.js';
import { RequestCode } from '../../core/remoting/protocol/request-codes.js';
import { ResponseCode } from '../../core/remoting/protocol/response-codes.js';
import { encodeTopicRouteBody } from '../../core/remoting/protocol/topic-route-body.js';
import type { RemotingServer, ServerConnection } from '../../core/remoting/remoting-server.js';
import { createRemotingServer } from '../../core/remoting/server.js';
import { tcpTransport } from '../../core/remoting/tcp-transport.js';
import type { Transport } from '../../core/remoting/transport.js';
import type { TopicRoute } from '../../core/routing/topic-route.js';
import { waitFor } from '../kit/wait-for.js';

const addressOf = (server: RemotingServer): string => `${server.address.host}:${server.address.port}`;

function serverOn(transport: Transport, port: number): RemotingServer {
  const server = createRemotingServer(transport, { host: '127.0.0.1', port });
  onTestFinished(() => server.close());
  return server;
}

/** A name server that knows what the test puts into `routes`. */
export async function fakeNameServer(transport: Transport = tcpTransport, port = 0) {
  const routes = new Map<string, TopicRoute>();
  const requests: RemotingCommand[] = [];
  const server = serverOn(transport, port);
  server.process(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request) => {
    requests.push(request);
    const route = routes.get(request.ext.topic ?? '');
    if (route === undefined) return { code: ResponseCode.TOPIC_NOT_EXIST, remark: 'No topic route info' };
    return { code: ResponseCode.SUCCESS, body: encodeTopicRouteBody(route) };
  });
  await server.listen();
  return { address: addressOf(server), server, routes, requests };
}

/** A broker that remembers heartbeats, farewells and sends, and answers sends with success unless told otherwise. */
export async function fakeBroker(name: string, transport: Transport = tcpTransport, port = 0) {
  const heartbeats: HeartbeatData[] = [];
  const farewells: Readonly<Record<string, string>>[] = [];
  const sends: RemotingCommand[] = [];
  const connections = new Set<ServerConnection>();
  const behaviour: { heartbeat: OutgoingCommand | Promise<OutgoingCommand>; beforeSend: () => Promise<void> } = {
    heartbeat: { code: ResponseCode.SUCCESS },
    beforeSend: async () => {},
  };
  const server = serverOn(transport, port);
  server.onConnection((connection) => {
    connections.add(connection);
    connection.onClose(() => connections.delete(connection));
  });
  server.process(RequestCode.HEART_BEAT, (request) => {
    heartbeats.push(decodeHeartbeatData(request.body));
    return behaviour.heartbeat;
  });
  server.process(RequestCode.UNREGISTER_CLIENT, (request) => {
    farewells.push({ ...request.ext });
    return { code: ResponseCode.SUCCESS };
  });
  const send = async (request: RemotingCommand): Promise<OutgoingCommand> => {
    sends.push(request);
    await behaviour.beforeSend();
    const queueOffset = sends.length - 1;
    return { code: ResponseCode.SUCCESS, ext: { msgId: '7F00000100002A9F0000000000000000', queueId: 0, queueOffset } };
  };
  server.process(RequestCode.SEND_MESSAGE_V2, send);
  server.process(RequestCode.SEND_MESSAGE, send);
  await server.listen();
  const route = (id = 0, queues = 1): TopicRoute => ({
    queueDatas: [{ brokerName: name, readQueueNums: queues, writeQueueNums: queues, perm: 6, topicSysFlag: 0 }],
    brokerDatas: [{ cluster: 'C', brokerName: name, brokerAddrs: { [id]: addressOf(server) } }],
  });
  const heard = (count: number) =>
    waitFor(() => heartbeats.length >= count, { what: `${count} heartbeat(s) at ${name}, got ${heartbeats.length}` });
  return {
    name,
    address: addressOf(server),
    server,
    heartbeats,
    farewells,
    sends,
    connections,
    behaviour,
    route,
    heard,
  };
}

/** One name server and one broker that has the topic `T`. */
export async function fakeCluster(transport: Transport = tcpTransport) {
  const nameServer = await fakeNameServer(transport);
  const broker = await fakeBroker('broker-a', transport);
  nameServer.routes.set('T', broker.route());
  return { nameServer, broker, nameServers: nameServer.address };
}
