import { createTcpTransport } from '../../core/remoting/tcp-transport.js';
import { transportContract } from '../contract/transport.js';
import { ca, certificate } from '../kit/tls-material.js';

const server = certificate('server');

transportContract('tls', () => createTcpTransport({ tls: { ca }, serverTls: { ...server, mode: 'enforcing' } }));
transportContract('plain beside tls', () => createTcpTransport({ serverTls: { ...server, mode: 'permissive' } }));
