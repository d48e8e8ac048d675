import assert from 'node:assert/strict';
import type { RequestContext } from '../../remoting/request-interceptor.js';
import { isOfKind } from '../request-kind.js';
import { endTransactions, readBack, requestReply } from './errands.js';
import type { ClaimedChange } from './options.js';
import type { Pass, Side } from './probes.js';
import type { Trial } from './trial.js';
import { assertUnchanged } from './unchanged.js';

type Check = (trial: Trial, changes: ReadonlySet<ClaimedChange>) => Promise<void>;

const isSend = isOfKind('SEND_MESSAGE');

/** What a plugin owes whatever passes neither sends nor deliveries. */
export const HOOK_CHECKS: Readonly<Record<string, Check>> = {
  'hands the reply to a request on, unchanged': async (trial, changes) => {
    await requestReply(trial);
    assertUnchanged(trial, 'reply', changes);
  },

  'hands a message that a plugin reads on, unchanged': async (trial, changes) => {
    assert.equal((await readBack(trial)).length, 1, 'messages of one record');
    assertUnchanged(trial, 'read', changes);
  },

  // What it throws, now or later, is in the log of the client, which is looked at when a check is over.
  'hears how transactions end, and changes nothing of it': async (trial) => endTransactions(trial),

  'hands the answers of servers on, and what fails': async (trial) => {
    const { kit, producer, message } = trial;
    const send = (): Promise<unknown> => producer.send(message).catch(() => undefined);
    await send();
    kit.refuse('SEND_MESSAGE', { code: 'MESSAGE_ILLEGAL' });
    await send();
    kit.drop('SEND_MESSAGE', { what: 'request' });
    const sending = send();
    await kit.clock.settle();
    kit.cut();
    await kit.clock.advance('1m');
    await sending;
    const [outer, inner] = [sentBy(trial, 'outer'), sentBy(trial, 'inner')];
    assert.equal(inner.length, outer.length, `of ${outer.length} requests it handed ${inner.length} on`);
    for (const [index, { results, error }] of outer.entries()) {
      const below = inner[index]!;
      if (below.error !== undefined) {
        assert.equal(error?.error, below.error.error, 'it put something else in the place of the error of a request');
      } else if (below.completed) {
        assert.equal(results.length, 1, `it ended a request with ${results.length} answers`);
        assert.equal(results[0], below.results[0], 'it put another answer in the place of the one it got');
      }
    }
  },
};

function sentBy({ probes }: Trial, side: Side): readonly Pass[] {
  return probes.of('request', side).filter(({ context }) => isSend((context as RequestContext).code));
}
