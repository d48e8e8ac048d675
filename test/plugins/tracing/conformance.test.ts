import { describe, test } from 'vitest';
import { pluginConformance } from '../../../core/testing/index.js';
import { tracing } from '../../../plugins/tracing/index.js';

describe('tracing keeps the contract of plugins', () => {
  for (const check of pluginConformance(() => tracing())) test(check.name, check.run);
});
