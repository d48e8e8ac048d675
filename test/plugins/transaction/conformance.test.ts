import { describe, test } from 'vitest';
import type { Plugin } from '../../../core/index.js';
import { pluginConformance } from '../../../core/testing/index.js';
import { transaction } from '../../../plugins/transaction/index.js';

describe('the transaction plugin', () => {
  for (const check of pluginConformance(() => transaction() as Plugin)) test(check.name, () => check.run());
});
