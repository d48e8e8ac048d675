import { beforeAll, inject } from 'vitest';
import { SQL_CASES } from '../server/filter/sql-cases.js';
import { javaClientContract } from './contract/java-client.js';
import { mqadminContract } from './contract/mqadmin.js';
import { operatorsContract } from './contract/operators.js';
import { sqlFilterContract } from './contract/sql-filter.js';
import { BrokerQuestions } from './kit/broker-questions.js';

beforeAll(async () => {
  const questions = new BrokerQuestions(inject('apache'));
  await questions.configure('enablePropertyFilter=true');
  await questions.close();
});

/** The yardstick itself: what our-server.test.ts expects of our server holds on Apache's. */
javaClientContract(() => inject('apache'));
mqadminContract(() => inject('apache'));
operatorsContract(() => inject('apache'), '4.9.7');
sqlFilterContract(() => inject('apache'), SQL_CASES);
