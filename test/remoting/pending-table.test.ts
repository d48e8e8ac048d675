import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PendingCommand } from '../../core/remoting/pending-command.js';
import { PendingTable } from '../../core/remoting/pending-table.js';

const request = (opaque: number) => ({ opaque }) as PendingCommand;

test('finds what waits, whatever was held for how long, also when opaques begin anew', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant('start' as const) },
    { weight: 2, arbitrary: fc.nat() },
    { weight: 1, arbitrary: fc.constant('skip' as const) },
  );
  fc.assert(
    fc.property(fc.constantFrom<number>(0, 0x7ffffff0, -5), fc.array(step, { maxLength: 400 }), (first, steps) => {
      const table = new PendingTable();
      const model = new Map<number, PendingCommand>();
      let last = first;
      for (const each of steps) {
        // Far apart, so that requests held for long are met by later ones.
        if (each === 'skip') last = (last + 4095) | 0;
        else if (each === 'start') {
          last = (last + 1) | 0;
          const pending = request(last);
          table.add(pending);
          model.set(last, pending);
        } else {
          const pending = [...model.values()][each % Math.max(model.size, 1)] ?? request(each);
          table.remove(pending);
          model.delete(pending.opaque);
        }
        expect(table.size).toBe(model.size);
      }
      expect(table.list(last)).toEqual([...model.values()]);
      for (const [opaque, pending] of model) expect(table.get(opaque)).toBe(pending);
      expect(table.has((last + 1) | 0)).toBe(false);
    }),
    { numRuns: 300 },
  );
});
