import { inject } from 'vitest';
import { javaClientContract } from './contract/java-client.js';
import { mqadminContract } from './contract/mqadmin.js';

/** The yardstick itself: what our-server.test.ts expects of our server holds on Apache's. */
javaClientContract(() => inject('apache'));
mqadminContract(() => inject('apache'));
